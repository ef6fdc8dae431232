"""The steps of a recipe: `generate`, `train` and `sample`, each with what all of its kind share in `defaults`."""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Field, Tag

from sqcli.recipes._options import with_options
from sqcli.recipes._values import ListEntry, Name, Names, Scalar, Strict
from sqcli.runs.generation.request import Request
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.training.request import TrainRequest


class Scanned(ListEntry):
    """Step that makes an ensemble; with `scan` one for each combination of the listed parameter values."""

    scan: dict[str, Annotated[list[Scalar], Field(min_length=1)]] = Field(
        default={}, description="Theory parameter: values."
    )

    @property
    def size(self) -> int:
        """Number of ensembles of this step."""
        return math.prod(map(len, self.scan.values()))

    def points(self) -> Iterator[tuple[str, Mapping[str, Scalar]]]:
        """Name and parameters of every ensemble of this step."""
        for values in product(*self.scan.values()):
            point = dict(zip(self.scan, values, strict=True))
            label = ",".join(f"{key}={value}" for key, value in point.items())
            yield (f"{self.made}/{label}" if label else self.made), point

    @property
    def made(self) -> str:
        """Name of what the step makes."""
        raise NotImplementedError


class GenerateStep(Scanned):
    """Step that generates an ensemble, or one for each point of a scan."""

    generate: Name = Field(description="Name of the ensemble.")

    @property
    def made(self) -> str:
        """Name of the ensemble or the scan."""
        return self.generate


class TrainStep(ListEntry):
    """Step that trains a model."""

    train: Name = Field(description="Name of the model.")
    of: Names = Field(description="Ensembles to train on; the name of a scan stands for all of its points.")
    init: Name | None = Field(default=None, description="Earlier model whose weights are the first.")


class SampleStep(Scanned):
    """Step that samples an ensemble from a model, or one for each point of a scan."""

    sample: Name = Field(description="Name of the ensemble.")
    model: Name = Field(description="Name of a train step.")

    @property
    def made(self) -> str:
        """Name of the ensemble or the scan."""
        return self.sample


class SharedByAll(Strict):
    """Options of a command that all steps of its kind share; a step's own come first."""


if TYPE_CHECKING:  # models made at run time: a type checker sees what all of their kind have
    Generate = GenerateStep
    Train = TrainStep
    Sample = SampleStep
    Generating = SharedByAll
    Training = SharedByAll
    Sampling = SharedByAll
else:
    Generate = with_options(GenerateStep, Request, "Generate")
    Train = with_options(TrainStep, TrainRequest, "Train")
    Sample = with_options(SampleStep, SampleRequest, "Sample")
    Generating = with_options(SharedByAll, Request, "Generating")
    Training = with_options(SharedByAll, TrainRequest, "Training")
    Sampling = with_options(SharedByAll, SampleRequest, "Sampling")


class Defaults(Generating):
    """Options that steps share: those of `generate`, and those of the other two kinds under their names."""

    train: Training = Training()
    sample: Sampling = Sampling()


KINDS: Mapping[str, type[Generate | Train | Sample]] = {"generate": Generate, "train": Train, "sample": Sample}


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((f"~{kind}" for kind in KINDS if kind in value), "~generate")
    return f"~{type(value).__name__.lower()}"


Step = Annotated[
    Annotated[Generate, Tag("~generate")] | Annotated[Train, Tag("~train")] | Annotated[Sample, Tag("~sample")],
    Discriminator(
        _kind,
        custom_error_type="step",
        custom_error_message=f"must hold keys and values, one of them {', '.join(KINDS)}",
    ),
]


def kind_and_name(step: Generate | Train | Sample) -> tuple[str, str]:
    """Return kind and name of a step: ("generate", "hmc")."""
    kind = type(step).__name__.lower()
    return kind, getattr(step, kind)
