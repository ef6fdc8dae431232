"""The steps `train` and `sample` of a recipe as requests, checked as far as can be before their inputs are there."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqcli.errors import UsageError
from sqcli.recipes import _commands
from sqcli.recipes._kinds import Sample, Sampling, Train, Training
from sqcli.recipes._model import Recipe
from sqcli.recipes._planned import Run
from sqcli.runs import dry_run
from sqcli.runs.sample import SampleRequest
from sqcli.runs.train import TrainRequest

PARTS = ("net", "schedule", "objective")


def planned(recipe: Recipe, step: Train | Sample, folder: Path, found: Mapping[str, Run]) -> Run:
    """The run of a step.

    Args:
        recipe: for its defaults.
        step: one of its steps.
        folder: of the results.
        found: earlier runs by name.

    Raises:
        UsageError: something is missing or does not fit.
    """
    if isinstance(step, Train):
        return _train(recipe.defaults.train, step, folder, found)
    return _sample(recipe.defaults.sample, step, folder, found)


def _shared(defaults: Training | Sampling, step: Train | Sample, choices: tuple[str, ...]) -> dict[str, Any]:
    """The step's options over the defaults; parameters of a default choice go with that choice."""
    given: dict[str, Any] = {}
    for name in type(defaults).model_fields:
        own, other = getattr(step, name), getattr(defaults, name)
        if isinstance(other, dict):
            choice = name.removesuffix("_parameters")
            chosen = getattr(step, choice) if choice in choices else None
            kept = chosen in (None, getattr(defaults, choice, None))
            given[name] = {**other, **own} if kept else own
        else:
            given[name] = other if own is None else own
    return given


def _train(defaults: Training, step: Train, folder: Path, found: Mapping[str, Run]) -> Run:
    options = _shared(defaults, step, PARTS)
    net, schedule, objective = (options.pop(f"{part}_parameters") for part in PARTS)
    parameters = {**net, **{f"schedule.{k}": v for k, v in schedule.items()}}
    parameters |= {f"objective.{k}": v for k, v in objective.items()}
    ensembles = [run for name in step.of for run in _standing_for(name, found)]
    request = TrainRequest(
        path=folder / "models" / step.train,
        ensembles=[run.request.path for run in ensembles],
        parameters=parameters,
        init=found[step.init].request.path if step.init else None,
        **options,
    )
    document = dry_run.training(request, [run.facts for run in ensembles])
    if step.init:
        _require_same_net(document, found[step.init].facts)
    request = replace(request, command_line=_commands.training(request))
    return Run("train", step.train, f"steps.{step.number}", request, document)


def _require_same_net(document: Mapping[str, Any], initial: Mapping[str, Any]) -> None:
    for key in ("net", "net_parameters"):
        if document[key] != initial[key]:
            raise UsageError(f"init: its {key} is {initial[key]}, not {document[key]}")


def _standing_for(name: str, found: Mapping[str, Run]) -> list[Run]:
    """The ensemble of that name, or the points of the scan."""
    return [run for key, run in found.items() if run.kind != "train" and (key == name or key.startswith(f"{name}/"))]


def _sample(defaults: Sampling, step: Sample, folder: Path, found: Mapping[str, Run]) -> Run:
    options = _shared(defaults, step, ("method",))
    if options["draws"] is None or options["method"] is None:
        raise UsageError("method and draws are needed")
    request = SampleRequest(
        model=found[step.model].request.path,
        path=folder / "ensembles" / step.sample,
        **options | {"interleave": tuple(options["interleave"] or ())},
    )
    spec = dry_run.sampling(request, found[step.model].facts)
    request = replace(request, command_line=_commands.sampling(request))
    return Run("sample", step.sample, f"steps.{step.number}", request, spec)
