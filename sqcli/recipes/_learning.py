"""The steps `train` and `sample` of a recipe as requests, checked as far as can be before their inputs are there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqcli import options
from sqcli.errors import UsageError
from sqcli.recipes._kinds import Sample, Train
from sqcli.recipes._model import Recipe
from sqcli.recipes._options import merged
from sqcli.recipes._planned import Run, with_command_line, with_point
from sqcli.runs import dry_run
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.training.request import TrainRequest


def training(recipe: Recipe, step: Train, folder: Path, found: Mapping[str, Run]) -> Run:
    """Plan the run of a `train` step.

    Args:
        recipe: the recipe, whose defaults complete the step.
        step: one of its steps.
        folder: folder of the results.
        found: earlier runs by name.

    Raises:
        UsageError: something is missing or does not fit.
    """
    given = merged(TrainRequest, step, recipe.defaults.train)
    ensembles = [run for name in step.of for run in _named_runs(name, found)]
    paths = {
        "path": folder / "models" / step.train,
        "ensembles": [run.request.path for run in ensembles],
        "init": found[step.init].request.path if step.init else None,
    }
    request = with_command_line("train", options.build(TrainRequest, {**paths, **given}))
    document = dry_run.training(request, [run.facts for run in ensembles])
    if step.init:
        _require_same_net(document, found[step.init].facts)
    return Run("train", step.train, f"steps.{step.index}", request, document)


def _require_same_net(document: Mapping[str, Any], initial: Mapping[str, Any]) -> None:
    for key in ("net", "net_parameters"):
        if document[key] != initial[key]:
            raise UsageError(f"init: its {key} is {initial[key]}, not {document[key]}")


def _named_runs(name: str, found: Mapping[str, Run]) -> list[Run]:
    """Return the run that makes the ensemble `name`, or the runs of all points of the scan `name`."""
    return [run for key, run in found.items() if run.kind != "train" and (key == name or key.startswith(f"{name}/"))]


def sampling(
    recipe: Recipe, step: Sample, point: Mapping[str, Any], folder: Path, name: str, found: Mapping[str, Run]
) -> Run:
    """Plan the run of one point of a `sample` step, whose ensemble is called `name`; UsageError as `training`."""
    given = with_point(merged(SampleRequest, step, recipe.defaults.sample), point, name)
    paths = {"model": found[step.model].request.path, "path": folder / "ensembles" / name}
    request = with_command_line("sample", options.build(SampleRequest, {**paths, **given}))
    spec = dry_run.sampling(request, found[step.model].facts)
    return Run("sample", name, f"steps.{step.index}", request, spec)
