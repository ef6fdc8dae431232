"""Runs of a recipe, in order, as requests; each is checked before the first one starts."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqcli import options
from sqcli.errors import SqcliError, UsageError
from sqcli.recipes._kinds import Generate, Step, Train, kind_and_name
from sqcli.recipes._model import Recipe
from sqcli.recipes._options import merged
from sqcli.recipes._planned import Run, with_command_line, with_point
from sqcli.runs.generation.agreement import new_spec
from sqcli.runs.generation.request import Request


def runs(recipe: Recipe, folder: Path) -> list[Run]:
    """Plan everything that the recipe makes, below `folder`, in the order of its steps.

    Raises:
        UsageError: a run that makes no sense, named by its key in the recipe.
    """
    found: dict[str, Run] = {}
    for step in recipe.steps:
        key, name = f"steps.{step.index}", kind_and_name(step)[1]
        try:
            found |= _planned(recipe, step, folder, found)
        except SqcliError as error:
            raise UsageError(f"{key} ({name}): {error}") from None
    return list(found.values())


def _planned(recipe: Recipe, step: Step, folder: Path, found: Mapping[str, Run]) -> dict[str, Run]:
    """Plan the runs of a step, by name."""
    if isinstance(step, Generate):
        return {name: _generate(recipe, step, point, folder, name, found) for name, point in step.points()}
    from sqcli.recipes import _learning  # imported here: it loads torch, which few recipes need

    if isinstance(step, Train):
        return {step.train: _learning.training(recipe, step, folder, found)}
    return {name: _learning.sampling(recipe, step, point, folder, name, found) for name, point in step.points()}


def _generate(
    recipe: Recipe, step: Generate, point: Mapping[str, Any], folder: Path, name: str, found: Mapping[str, Run]
) -> Run:
    """Plan the run of one point of a `generate` step."""
    shared = with_point(merged(Request, step, recipe.defaults), point, name)
    request = options.build(Request, {"path": folder / "ensembles" / name, **shared})
    waiting = request.start not in (None, "hot", "cold")  # the ensemble to start from may not exist yet
    started = with_command_line(
        "generate", replace(request, start=_start(str(request.start), found)) if waiting else request
    )
    spec = new_spec(replace(request, start="hot") if waiting else request)
    return Run("generate", name, f"steps.{step.index}", started, spec)


def _start(name: str, earlier: Mapping[str, Run]) -> str:
    """Return the path of the ensemble that the option `start` names; UsageError where no earlier step makes it."""
    if name not in earlier or earlier[name].kind == "train":
        raise UsageError(f"start: {name!r} is neither hot nor cold nor an earlier ensemble")
    return str(earlier[name].request.path)
