"""Models of a recipe's entries that take the options of a command; each option stands in the command's request."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, create_model

from sqcli.options import Asked, asked
from sqcli.recipes._values import Extents, Names, Parameters

M = TypeVar("M", bound=BaseModel)


def with_options(base: type[M], request: type, name: str) -> type[M]:
    """Make a model with the fields of `base` and the options of `request` that say what is made; all may be left out.

    Args:
        base: model that gives further fields, methods and the description.
        request: class of the command's request.
        name: name of the model.
    """
    fields: dict[str, Any] = {each.name: field(each) for each in _made_of(request)}
    return create_model(name, __base__=base, __module__=__name__, __doc__=base.__doc__, **fields)


def merged(request: type, own: BaseModel, shared: BaseModel) -> dict[str, Any]:
    """Merge the options of a step with those that all steps share; the step's own come first.

    Shared parameters of a choice, such as those of an algorithm, are left out where the step chooses another one.

    Args:
        request: class of the command's request.
        own: entry of the step.
        shared: entry of the defaults; both were made by `with_options`.
    """
    found: dict[str, Any] = {}
    for each in _made_of(request):
        mine, theirs = getattr(own, each.name), getattr(shared, each.name)
        if each.is_mapping:
            choice = str(each.said.of)
            kept = getattr(own, choice, None) in (None, getattr(shared, choice, None))
            found[each.name] = {**theirs, **mine} if kept else mine
        else:
            found[each.name] = theirs if mine is None else mine
    return found


def _made_of(request: type) -> list[Asked]:
    return [each for each in asked(request).values() if each.said.role == "what"]


def field(each: Asked, key: str | None = None) -> tuple[Any, Any]:
    """Return type and default of a field, as pydantic wants them; `key` is its key in the file, if not its name."""
    about: dict[str, Any] = {"description": each.said.help, "alias": key}
    if each.required:
        return _kind(each), Field(**about)
    if each.is_mapping:
        return Parameters, Field(default={}, **about)
    return _kind(each) | None, Field(default=None, **about)


def _kind(each: Asked) -> Any:
    """Return the type of an option's value, as pydantic wants it."""
    said = each.said
    if said.role == "path":
        return str
    special: Mapping[Any, Any] = {"extents": Extents, tuple[str, ...]: Names}
    if said.choices:
        return Literal.__getitem__(said.choices)
    if each.kind in (int, float):
        bounds: dict[str, Any] = {"gt" if said.above else "ge": said.least, "le": said.most, "lt": said.below}
        return Annotated[each.kind, Field(**{name: bound for name, bound in bounds.items() if bound is not None})]
    return special.get(said.form) or special.get(each.kind) or each.kind
