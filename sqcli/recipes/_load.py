"""Reading of recipes from YAML files: whatever is wrong is told in one line with file, key and what is allowed."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sqcli.errors import SqcliError, UsageError
from sqcli.files import read_bytes
from sqcli.recipes._faults import faults
from sqcli.recipes._kinds import KINDS
from sqcli.recipes._model import CPU, Measured, Recipe, Reference
from sqcli.recipes._plots import MODELS
from sqcli.recipes._settings import choose, replace
from sqcli.recipes._yaml import parse
from sqcli.text import printable

FOLDER = Path("recipes")
MOST_BYTES = 2**18
SHOWN = 80  # characters of a wrong value in a message
TAGGED: Mapping[str | int, type[BaseModel]] = {
    "~number": Reference,
    "~measured": Measured,
    **MODELS,
    **{f"~{kind}": model for kind, model in KINDS.items()},
}
"""Models that pydantic's names of alternatives stand for."""


def load(recipe: str | Path, settings: Mapping[str, str] | None = None, profile: str = CPU) -> Recipe:
    """Load the recipe of a file, or the one of that name in the folder `recipes` here.

    Args:
        recipe: file, or name.
        settings: entries to replace: dotted key ("steps.hmc.draws") -> value as YAML.
        profile: name of one of the recipe's profiles; `settings` come after what it replaces.

    Raises:
        UsageError: no such file, no YAML, or not a recipe; the one line names file, key and what is allowed.
    """
    path = _find(recipe)
    content = _read(path)
    try:
        choose(content, profile)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    replace(content, settings or {})
    try:
        model = Recipe.model_validate(content).within(profile)
    except ValidationError as error:
        raise UsageError(f"{path}: {printable(_first_fault(error))}") from None
    for fault in faults(model):
        raise UsageError(f"{path}: {printable(fault)}")
    return model


def _find(recipe: str | Path) -> Path:
    """Find the file of a recipe; UsageError where there is none."""
    path = Path(recipe)
    named = FOLDER / f"{recipe}.yaml"
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1 or not named.is_file():
        there = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml"))) or "none in this directory"
        raise UsageError(f"{recipe}: no such recipe; give a file, or the name of one of recipes/: {there}")
    return named


def _read(path: Path) -> Any:
    """Read a file as YAML; UsageError where it cannot be read."""
    try:
        return parse(read_bytes(path, MOST_BYTES))
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    except SqcliError as error:  # no regular file, too large, not to be read
        raise UsageError(str(error)) from None


def _first_fault(error: ValidationError) -> str:
    """Say in one line which key is wrong, and why."""
    fault = error.errors(include_url=False)[0]
    way = [str(part) for part in fault["loc"]]
    if way[:1] == ["plots"] and len(way) > 2:
        del way[2]  # pydantic's name of the kind
    way = [part for part in way if not part.startswith("~")]
    key, kind = ".".join(way) or "the file", fault["type"]
    if kind == "extra_forbidden":
        return f"{key}: unknown key; allowed: {', '.join(_allowed(fault['loc'][:-1])) or 'none'}"
    if kind == "missing":
        return f"{key}: is missing"
    if kind in ("model_type", "model_attributes_type"):
        return f"{key}: must hold keys and values, allowed: {', '.join(_allowed(fault['loc']))}"
    message = re.sub(r"^Value error, |^Input ", "", fault["msg"])
    given = "" if isinstance(fault["input"], (dict, list)) else f", not {_cut(repr(fault['input']))}"
    return f"{key}: {message[:1].lower()}{message[1:]}{given}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _allowed(way: tuple[Any, ...]) -> list[str]:
    """List the keys of the model at the end of `way`, the keys that lead there from the recipe."""
    model: type[BaseModel] = Recipe
    for part in way:
        if part in TAGGED:
            model = TAGGED[part]
        elif isinstance(part, str) and part in model.model_fields:
            found = list(_models(model.model_fields[part].annotation))
            model = found[0] if found else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
