"""The runs of a recipe, in order, as requests of `generate`; each is checked before the first one starts."""

import hashlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sqcli.errors import SqcliError, UsageError
from sqcli.recipes._model import Defaults, Generate, Recipe
from sqcli.runs._request import new_spec
from sqcli.runs.generate import Request

SHARED = tuple(name for name in Defaults.model_fields if name != "parameters")


@dataclass(frozen=True)
class Run:
    """One ensemble of a recipe."""

    name: str
    key: str
    request: Request


def runs(recipe: Recipe, folder: Path) -> list[Run]:
    """Every ensemble of the recipe, below `folder`, by order of the steps.

    Raises:
        UsageError: a run that makes no sense, named by its key in the recipe.
    """
    found: list[Run] = []
    for number, step in enumerate(recipe.steps):
        for name, point in step.points():
            request = _request(recipe, step, point, folder, name)
            found.append(Run(name, f"steps.{number}", _started(request, {run.name: run for run in found})))
            _require_sense(found[-1])
    return found


def _request(recipe: Recipe, step: Generate, point: Mapping[str, Any], folder: Path, name: str) -> Request:
    own = {key: getattr(step, key) for key in SHARED}
    shared = {key: value if value is not None else getattr(recipe.defaults, key) for key, value in own.items()}
    if step.scan and shared["seed"] is not None:
        shared["seed"] = _seed_of(shared["seed"], name)
    request = Request(
        path=folder / "ensembles" / name,
        parameters={**recipe.defaults.parameters, **step.parameters, **point},
        algorithm=step.algorithm,
        algorithm_parameters=step.algorithm_parameters,
        **shared,
    )
    return replace(request, command_line=command_line(request))


def _seed_of(seed: int, name: str) -> int:
    """A stream of its own for each point, whatever other points the scan holds."""
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    return int(np.random.SeedSequence(seed, spawn_key=tuple(map(int, words))).generate_state(1, np.uint64)[0])


def _started(request: Request, earlier: Mapping[str, Run]) -> Request:
    """With the path of the step that `start` names."""
    if request.start in (None, "hot", "cold"):
        return request
    if request.start not in earlier:
        raise UsageError(f"start: {request.start!r} is neither hot nor cold nor an earlier step")
    return replace(request, start=str(earlier[str(request.start)].request.path))


def _require_sense(run: Run) -> None:
    waiting = run.request.start not in (None, "hot", "cold")  # the ensemble to start from may not exist yet
    try:
        new_spec(replace(run.request, start="hot") if waiting else run.request)
    except SqcliError as error:
        raise UsageError(f"{run.key} ({run.name}): {error}") from None


def command_line(request: Request) -> tuple[str, ...]:
    """The command that does the same by hand."""
    options: list[str] = ["sqcli", "generate", str(request.path)]
    for name in ("theory", "lattice", "algorithm", "chains", "draws", "warmup", "every", "start", "seed", "dtype"):
        value = getattr(request, name)
        if value is not None:
            options += [f"--{name}", "x".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    options += _pairs("-p", request.parameters)
    return (*options, *_pairs("-a", request.algorithm_parameters))


def _pairs(option: str, values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield from (option, f"{name}={str(value).lower() if isinstance(value, bool) else value}")


def plan(recipe: Recipe, folder: Path) -> list[str]:
    """The commands that the recipe stands for."""
    return [shlex.join(run.request.command_line) for run in runs(recipe, folder)]
