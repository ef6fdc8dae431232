"""Options of a command, each stated once: in the field of a request. Command line, recipes and schema follow from it.

A request is a frozen dataclass. A field made by `option` is an option that its user can give; one whose metadata name
a `group`, another dataclass, stands for all options of that dataclass and holds those given as a mapping.
"""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

R = TypeVar("R")
OPTION, GROUP = "option", "group"
REQUIRED = dataclasses.MISSING


@dataclass(frozen=True)
class Option:
    """What is said of an option, and what its values may be.

    Attributes:
        help: one line, with the default in brackets where "left out" means one.
        metavar: what stands for the value in help texts.
        flags: as typed; left out, the field's name in kebab-case.
        argument: whether it is typed without a flag.
        least: smallest number.
        most: largest number.
        above: whether `least` itself is too small.
        below: a bound that is itself too large.
        choices: allowed texts.
        form: how a text is read that no type tells: "extents" 32x32, "duration" 3h, "range" 0:4, "numbers" 0.1,0.5.
        needed: whether nothing new can be made without it.
        of: the option that chooses what a mapping holds the parameters of. Where several mappings share a flag, names
            are typed `of.name`, plain ones belong to the first.
        role: "what" is to be made; a "path" of what it is made from or into, which recipes name by their steps; "how"
            to go about it, which is for the command line alone; or what is for a "recipe" alone.
    """

    help: str
    metavar: str = ""
    flags: tuple[str, ...] = ()
    argument: bool = False
    least: float | None = None
    most: float | None = None
    above: bool = False
    below: float | None = None
    choices: tuple[str, ...] = ()
    form: str = ""
    needed: bool = False
    of: str | None = None
    role: Literal["what", "path", "how", "recipe"] = "what"


def option(
    said: Option | str,
    metavar: str = "",
    *,
    default: Any = None,
    name: str | None = None,
    kw_only: Any = dataclasses.MISSING,
    **more: Any,
) -> Any:
    """A dataclass field that is an option.

    Args:
        said: an `Option`, or the help of one, which `metavar` and `more` complete.
        metavar: what stands for the value.
        default: of the field, None if left out: nothing was given. `REQUIRED` where it must be given.
        name: the field's public name, where it is not its own.
        kw_only: as for dataclass fields.
        more: further fields of `Option`.
    """
    about = said if isinstance(said, Option) else Option(said, metavar, **more)
    start = {"default_factory": dict} if default == {} else {"default": default}
    public = {} if name is None else {"name": name}
    return dataclasses.field(**start, kw_only=kw_only, metadata={OPTION: about, **public})


def group(cls: type) -> Any:
    """A dataclass field that holds what was given of the options of the dataclass `cls`."""
    return dataclasses.field(default_factory=dict, metadata={GROUP: cls})


@dataclass(frozen=True)
class Asked:
    """An option of a request.

    Attributes:
        name: of the field.
        kind: type of its values.
        default: value when it is left out.
        said: its `Option`.
        within: the field that holds the group it belongs to; None: the request itself.
        key: its public name.
    """

    name: str
    kind: Any
    default: Any
    said: Option
    within: str | None = None
    key: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Spellings on the command line."""
        return self.said.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def is_mapping(self) -> bool:
        """Whether it holds NAME=VALUE pairs."""
        return get_origin(self.kind) in (Mapping, dict)

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    def value(self, request: Any) -> Any:
        """The value in `request`; None where nothing was given."""
        return getattr(request, self.name) if self.within is None else getattr(request, self.within).get(self.name)


def asked(cls: type[Any]) -> Mapping[str, Asked]:
    """Name -> option of the request class `cls`: its own first, then those that it inherits."""
    hints, found = get_type_hints(cls), {field.name: field for field in dataclasses.fields(cls)}
    own = [name for base in cls.__mro__ for name in vars(base).get("__annotations__", ())]
    ordered = [found[name] for name in dict.fromkeys(own) if name in found]
    return {each.name: each for field in ordered for each in _options(field, hints[field.name])}


def _options(field: "dataclasses.Field[Any]", hint: Any) -> Iterator[Asked]:
    """One for an option, those of the group for a group."""
    if OPTION in field.metadata:
        default = {} if field.default_factory is dict else field.default
        key = field.metadata.get("name", field.name)
        yield Asked(field.name, _without_none(hint), default, field.metadata[OPTION], key=key)
    elif GROUP in field.metadata:
        for each in asked(field.metadata[GROUP]).values():
            yield dataclasses.replace(each, default=None, within=field.name)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return next(kind for kind in get_args(hint) if kind is not type(None))
    return hint


def build(cls: type[R], values: Mapping[str, Any]) -> R:
    """A request from values by name; None means that nothing was given.

    Args:
        cls: class of the request.
        values: of its options, those of groups among them, and of its other fields.
    """
    known = asked(cls)
    given = {name: value for name, value in values.items() if value is not None}
    plain = {name: value for name, value in given.items() if name not in known or known[name].within is None}
    for each in known.values():
        if each.within is not None and each.name in given:
            plain.setdefault(each.within, {})[each.name] = given[each.name]
    return cls(**plain)


def missing(request: Any) -> list[Asked]:
    """The options without which nothing new can be made, and which `request` leaves out."""
    return [each for each in asked(type(request)).values() if each.said.needed and each.value(request) is None]


def divided(cls: type, name: str, pairs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The pairs typed after the flag of the mapping `name`, among the mappings of `cls` that share it.

    A name `schedule.sigma` goes, as `sigma`, to the mapping that is `of` schedule; every other one to the first.
    """
    flags = asked(cls)[name].flags
    sharing = [each for each in asked(cls).values() if each.is_mapping and each.flags == flags]
    found: dict[str, dict[str, Any]] = {each.name: {} for each in sharing}
    owners = {each.said.of: each.name for each in sharing} if len(sharing) > 1 else {}
    for key, value in pairs.items():
        head, _, rest = key.partition(".")
        mine, plain = (owners[head], rest) if head in owners else (sharing[0].name, key)
        found[mine][plain] = value
    return found


def words(request: Any) -> Iterator[str]:
    """Words of the command line that ask for `request`: arguments, options, mappings, without how to go about it."""
    known = [each for each in asked(type(request)).values() if each.said.role != "how"]
    seen: set[tuple[str, ...]] = set()
    for each in sorted(known, key=lambda each: 2 if each.is_mapping else 0 if each.said.argument else 1):
        value = each.value(request)
        if each.is_mapping:
            prefix = f"{each.said.of}." if each.flags in seen else ""
            seen.add(each.flags)
            yield from (word for pair in value.items() for word in (each.flags[0], _pair(prefix, *pair)))
        elif value is not None and value != each.default:
            yield from _spelled(each, value)


def _pair(prefix: str, name: str, value: Any) -> str:
    return f"{prefix}{name}={str(value).lower() if isinstance(value, bool) else value}"


def _spelled(each: Asked, value: Any) -> Iterator[str]:
    flag = () if each.said.argument else each.flags[:1]
    if isinstance(value, bool):
        yield each.flags[0] if value else each.flags[0].replace("--", "--no-", 1)
    elif each.said.form == "extents":
        yield from (*flag, "x".join(map(str, value)))
    else:
        many = value if isinstance(value, (tuple, list)) else (value,)
        yield from (word for one in many for word in (*flag, str(one)))
