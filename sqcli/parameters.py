"""Parameters are frozen dataclasses; this module turns `NAME=VALUE` pairs into them and back.

The public name of a field is its own, or `field(metadata={"name": "lambda"})` where Python forbids it. A field
`_parameters` of a class takes all names with a dot in them (`hmc.step_size`), which the class looks at itself.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sqcli.errors import UsageError
from sqcli.registry import suggestion

T = TypeVar("T")
DOTTED = "_parameters"
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def public_name(field: "dataclasses.Field[Any]") -> str:
    """The name users type for `field`."""
    return str(field.metadata.get("name", field.name))


def fields(cls: type) -> dict[str, "dataclasses.Field[Any]"]:
    """Map public names to fields, in the order of declaration."""
    return {public_name(field): field for field in dataclasses.fields(cls) if field.name != DOTTED}


def _takes_dotted(cls: Any) -> bool:
    return any(field.name == DOTTED for field in dataclasses.fields(cls))


def _integer(value: Any) -> int:
    number = float(value)
    if number != int(number):
        raise ValueError
    return int(value) if isinstance(value, (int, str)) and str(value).lstrip("+-").isdigit() else int(number)


def _real(value: Any) -> float:
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    return TRUTH[str(value).lower()]


def _complex(value: Any) -> complex:
    number = complex(str(value).replace(" ", "").replace("i", "j"))
    _real(abs(number))
    return number


CONVERT: dict[Any, Callable[[Any], Any]] = {int: _integer, float: _real, bool: _boolean, complex: _complex, str: str}


def _choices(kind: Any) -> list[Any]:
    return [arg for option in _options(kind) if get_origin(option) is Literal for arg in get_args(option)]


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _convert(value: Any, kind: Any) -> Any:
    """Convert `value` to the annotated type `kind`; ValueError when it is none of its options."""
    if value in _choices(kind) and not isinstance(value, bool):
        return value
    for option in _options(kind):
        if option is type(None) and value is None:
            return None
        if option in CONVERT and not (isinstance(value, bool) and option is not bool):
            try:
                return CONVERT[option](value)
            except (ValueError, TypeError, KeyError, OverflowError):
                continue
    raise ValueError


def require_count(name: str, value: int, least: int, most: int) -> None:
    """Raise ValueError when the number of repetitions `name` is not within [least, most]."""
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, not {value}")


def describe(kind: Any) -> str:
    """Tell in words what the type `kind` allows: "a number or auto"."""
    words = {int: "an integer", float: "a number", bool: "true or false", complex: "a complex number", str: "a text"}
    parts = [words[option] for option in _options(kind) if option in words] + [str(c) for c in _choices(kind)]
    return ", ".join(parts[:-1]) + (" or " if len(parts) > 1 else "") + parts[-1]


def build(cls: type[T], values: Mapping[str, Any], what: str) -> T:
    """Build the frozen dataclass `cls` from public names and values; `what` ("theory phi4") names it in errors.

    Raises:
        UsageError: for an unknown, missing or malformed parameter, listing what is allowed.
    """
    known, hints = fields(cls), get_type_hints(cls)
    dotted = {name: value for name, value in values.items() if "." in name} if _takes_dotted(cls) else {}
    for name in values:
        if name not in known and name not in dotted:
            allowed, hint = ", ".join(known) or "none", suggestion(name, tuple(known))
            raise UsageError(f"{what} has no parameter {name!r}{hint}; allowed: {allowed}")
    arguments: dict[str, Any] = {DOTTED: dotted} if _takes_dotted(cls) else {}
    for name, field in known.items():
        if name in values:
            try:
                arguments[field.name] = _convert(values[name], hints[field.name])
            except ValueError:
                expected = describe(hints[field.name])
                raise UsageError(f"{what}: parameter {name!r} must be {expected}, not {values[name]!r}") from None
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UsageError(f"{what} needs the parameter {name!r}")
    try:
        return cls(**arguments)
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from None


def to_mapping(instance: Any) -> dict[str, Any]:
    """Map public names to values; complex values become text ("-4+10j") so that JSON and YAML can hold them."""
    values = {name: getattr(instance, field.name) for name, field in fields(type(instance)).items()}
    values |= getattr(instance, DOTTED, {})
    return {name: str(value).strip("()") if isinstance(value, complex) else value for name, value in values.items()}
