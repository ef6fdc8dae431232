"""Commands from request classes: a command's options are the fields of its request, see `sqcli.options`."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import typer

from sqcli import options, stopping
from sqcli.cli import values
from sqcli.cli.settings import Settings
from sqcli.errors import UsageError
from sqcli.options import Asked

R = TypeVar("R")
LEFT_OUT: tuple[Any, ...] = (None, (), {}, options.REQUIRED)


def takes(cls: type[R]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a decorator that turns a function of the settings and a request of class `cls` into a command.

    The command has all options of the request; further parameters of the function are options of the command alone,
    annotated as typer wants them. A request that has the field `command_line` gets the words of the command line, and
    its time limit is watched.
    """

    def decorate(work: Callable[..., None]) -> Callable[..., None]:
        _, _, *further = inspect.signature(work).parameters.values()
        own = [each.name for each in further]

        def command(ctx: typer.Context, **typed: Any) -> None:
            settings: Settings = ctx.obj
            apart = {name: typed.pop(name) for name in own}
            request = options.build(cls, _read(cls, typed) | _words(cls, settings))
            stopping.alarm(getattr(request, "time_limit", None))
            work(settings, request, **apart)

        first = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in further]
        setattr(command, "__signature__", inspect.Signature([first, *_parameters(cls), *keyword]))  # noqa: B010
        command.__doc__ = work.__doc__
        return command

    return decorate


def _words(cls: type, settings: Settings) -> dict[str, Any]:
    return {"command_line": settings.command_line} if hasattr(cls, "command_line") else {}


def _parameters(cls: type) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a command's signature, one an option; mappings that share a flag make one."""
    seen: set[tuple[str, ...]] = set()
    for each in options.asked(cls).values():
        if each.is_mapping and each.flags in seen:
            continue
        seen.add(each.flags)
        default = inspect.Parameter.empty if each.required else None if each.default in LEFT_OUT else each.default
        kind: Any = Annotated.__class_getitem__((_kind(each, default), _declared(each)))  # type: ignore[attr-defined]
        yield inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _kind(each: Asked, default: Any) -> Any:
    """Return the type that typer is told; text where `_read` or a parser reads the value."""
    kind: Any = str
    if each.is_mapping or (get_origin(each.kind) is not None and not each.said.form):
        kind = list[Path] if Path in get_args(each.kind) else list[str]
    elif not each.said.form:
        kind = each.kind
    return kind if default is inspect.Parameter.empty or isinstance(default, bool) else kind | None


def _declared(each: Asked) -> Any:
    """Declare an option as typer wants it: an argument, or an option with its flags."""
    said, shown = each.said, {} if each.default not in LEFT_OUT else {"show_default": False}
    about: dict[str, Any] = {"help": said.help, "metavar": said.metavar or None, **shown}
    if said.argument:
        return typer.Argument(**about)
    flags = each.flags
    if each.kind is bool and each.default is not False:
        flags = (f"{flags[0]}/{flags[0].replace('--', '--no-', 1)}",)
    return typer.Option(*flags, parser=_parser(each), **about)


def _parser(each: Asked) -> Callable[[str], Any] | None:
    """Return the parser of one option's text; None where typer reads it by the type."""
    said = each.said
    if said.choices:
        return values.one_of(*said.choices)
    if each.kind is int:
        return values.whole(int(said.least or 0), values.LARGEST if said.most is None else int(said.most))
    if each.kind is float and not said.form:
        return values.real(said.least or 0.0, said.above, said.below)
    return None


def _read(cls: type, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Read the values of a request from the options as they were typed; UsageError for one that cannot be read."""
    known, found = options.asked(cls), dict(typed)
    for name, value in typed.items():
        each = known[name]
        if each.is_mapping:
            found |= options.divided(cls, name, values.pairs(each.flags[0], value))
        elif value is not None and each.said.form:
            try:
                found[name] = _reader(each.said.form)(value)
            except typer.BadParameter as error:
                raise UsageError(f"{each.flags[0]}: {error.message}") from None
        elif isinstance(value, list):
            found[name] = tuple(value)
    return found


def _reader(form: str) -> Callable[[str], Any]:
    """Return the function that reads texts of a form ("extents", "range", …), which their type does not tell."""
    from sqcli.runs.execution.deadline import seconds_left  # imported here: few calls need it

    read: Mapping[str, Callable[[str], Any]] = {
        "extents": values.lattice,
        "range": values.chain_range,
        "duration": partial(seconds_left),
        "numbers": values.numbers,
        "counts": values.counts,
    }
    return read[form]
