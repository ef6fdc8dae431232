"""Checks of trainings and samplings before the ensembles and models that they need are there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqcli.diffusion.models.design import Choice
from sqcli.diffusion.models.files import is_model, read_document
from sqcli.diffusion.models.settings import TrainingSettings
from sqcli.lattice.geometry import Lattice
from sqcli.runs.generation.spec import RunSpec
from sqcli.runs.sampling.agreement import new_spec
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.sampling.spec import SampleSpec
from sqcli.runs.training.agreement import design_for
from sqcli.runs.training.request import TrainRequest


def training(request: TrainRequest, ensembles: Sequence[RunSpec | SampleSpec]) -> dict[str, Any]:
    """Describe the model that `request` will make of ensembles like these, as `sampling` wants it.

    Raises:
        UsageError: something is missing or does not fit.
    """
    TrainingSettings(**request.settings)
    theories = [Choice(spec.theory, spec.theory_instance) for spec in ensembles]
    return design_for(request, theories, [Lattice(spec.lattice) for spec in ensembles]).document()


def sampling(request: SampleRequest, model: Mapping[str, Any]) -> SampleSpec:
    """Build the run that `request` asks for, of a model that `training` described.

    Raises:
        UsageError: something is missing or does not fit.
    """
    return new_spec(request, {**model, "identity": ""})


def trained(path: Path) -> bool:
    """Tell whether there is a finished model at `path`."""
    return is_model(path) and read_document(path).get("finished") is True
