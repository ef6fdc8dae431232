"""From a YAML file to a recipe: whatever is wrong is told in one line with file, key and what is allowed."""

import re
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from sqcli import registry
from sqcli.errors import UsageError
from sqcli.recipes._model import Generate, PhaseDiagram, Recipe

FOLDER = Path("recipes")
MOST_BYTES = 2**20


def load(recipe: str | Path, settings: Mapping[str, str] | None = None) -> Recipe:
    """The recipe of a file, or of that name in the folder `recipes` here.

    Args:
        recipe: file or name.
        settings: entries to replace: dotted key ("steps.hmc.draws") -> value as YAML.

    Raises:
        UsageError: no such file, no YAML, or not a recipe; the one line names file, key and what is allowed.
    """
    path = _find(recipe)
    content = _read(path)
    for key, value in (settings or {}).items():
        _replace(content, key, value)
    try:
        model = Recipe.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_fault(error)}") from None
    for fault in _faults(model):
        raise UsageError(f"{path}: {fault}")
    return model


def _find(recipe: str | Path) -> Path:
    path = Path(recipe)
    named = FOLDER / f"{recipe}.yaml"
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1 or not named.is_file():
        there = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml"))) or "none in this directory"
        raise UsageError(f"{recipe}: no such recipe; give a file, or the name of one of recipes/: {there}")
    return named


def _read(path: Path) -> Any:
    try:
        text = path.read_bytes()[: MOST_BYTES + 1]
        if len(text) > MOST_BYTES:
            raise UsageError(f"{path}: too large for a recipe")
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UsageError(f"{path}: line {line} is no YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise UsageError(f"{path}: is no YAML text") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _replace(content: Any, key: str, value: str) -> None:
    """Put `value` where the dotted `key` points; steps and plots by name, other entries by number."""
    *way, last = key.split(".")
    place = reduce(lambda where, part: _entry(where, part, key), way, content)
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(f"--set {key}: {value!r} is no YAML") from None
    if isinstance(place, list):
        place[_position(place, last, key)] = parsed
    elif isinstance(place, dict):
        place[last] = parsed
    else:
        raise UsageError(f"--set {key}: the recipe has nothing there to replace")


def _entry(place: Any, part: str, key: str) -> Any:
    if isinstance(place, list):
        return place[_position(place, part, key)]
    if isinstance(place, dict) and place.get(part) is not None:
        return place[part]
    raise UsageError(f"--set {key}: the recipe has no {part!r} there")


def _position(entries: list[Any], part: str, key: str) -> int:
    named = [entry.get("generate", entry.get("plot")) if isinstance(entry, dict) else None for entry in entries]
    if part in named:
        return named.index(part)
    if part.isdigit() and int(part) < len(entries):
        return int(part)
    allowed = ", ".join(str(name) for name in named if isinstance(name, str)) or f"0 to {len(entries) - 1}"
    raise UsageError(f"--set {key}: no entry {part!r}; there are: {allowed}")


def _first_fault(error: ValidationError) -> str:
    """The key and what is wrong with it, in one line."""
    fault = error.errors(include_url=False)[0]
    way = [str(part) for part in fault["loc"]]
    if way[:1] == ["plots"] and len(way) > 2:
        del way[2]  # pydantic's name of the kind
    key, kind = ".".join(way) or "the file", fault["type"]
    if kind == "extra_forbidden":
        return f"{key}: unknown key; allowed: {', '.join(_allowed(fault['loc'][:-1])) or 'none'}"
    if kind == "missing":
        return f"{key}: is missing"
    if kind in ("model_type", "model_attributes_type"):
        return f"{key}: must hold keys and values, allowed: {', '.join(_allowed(fault['loc']))}"
    message = re.sub(r"^Value error, |^Input ", "", fault["msg"])
    given = "" if isinstance(fault["input"], (dict, list)) else f", not {fault['input']!r}"
    return f"{key}: {message[:1].lower()}{message[1:]}{given}"


def _allowed(way: tuple[Any, ...]) -> list[str]:
    """Keys of the model at the end of `way`."""
    model: type[BaseModel] = Recipe
    for part in way:
        if isinstance(part, str) and part in model.model_fields:
            found = list(_models(model.model_fields[part].annotation))
            model = found[0] if found else model
        elif part == "phase_diagram":
            model = PhaseDiagram
    return list(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _faults(recipe: Recipe) -> Iterator[str]:
    """What the types alone do not tell: names that occur twice, or that nothing has."""
    steps = [step.generate for step in recipe.steps]
    yield from (f"steps.{n}.generate: the name {s!r} is taken" for n, s in enumerate(steps) if s in steps[:n])
    plots = [plot.plot for plot in recipe.plots]
    yield from (f"plots.{n}.plot: the name {p!r} is taken" for n, p in enumerate(plots) if p in plots[:n])
    ensembles = {name for step in recipe.steps for name, _ in step.points()}
    for number, row in enumerate(recipe.table):
        yield from _unknown(f"table.{number}.of", row.of, ensembles, steps)
        yield from _no_observable(f"table.{number}.observable", row.observable)
    for number, plot in enumerate(recipe.plots):
        if isinstance(plot, PhaseDiagram):
            yield from _diagram_faults(f"plots.{number}", plot, recipe.steps)
            continue
        for name in plot.of:
            yield from _unknown(f"plots.{number}.of", name, ensembles, steps)
        yield from _no_observable(f"plots.{number}.observable", plot.observable.partition("[")[0])


def _unknown(key: str, name: str, known: set[str], steps: list[str]) -> Iterator[str]:
    if name not in known:
        yield f"{key}: no ensemble {name!r}; the steps are: {', '.join(steps)}"


def _no_observable(key: str, name: str) -> Iterator[str]:
    try:
        registry.resolve("observables", name)
    except UsageError as error:
        yield f"{key}: {error}"


def _diagram_faults(key: str, plot: PhaseDiagram, steps: list[Generate]) -> Iterator[str]:
    scans = {step.generate: set(step.scan) for step in steps if step.scan}
    if plot.of not in scans:
        yield f"{key}.of: no step {plot.of!r} with a scan; there are: {', '.join(scans) or 'none'}"
    elif scans[plot.of] != {plot.x, plot.y}:
        yield f"{key}: x and y must be the two parameters of the scan: {', '.join(scans[plot.of])}"
    for name in plot.observables:
        yield from _no_observable(f"{key}.observables", name)
