"""The steps of a recipe: `generate`, `train` and `sample`, each with what all of its kind share in `defaults`."""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from sqcli.recipes._values import (
    Count,
    Extents,
    Fraction,
    Name,
    Names,
    Part,
    Positive,
    PositiveReal,
    Scalar,
    Seed,
    Strict,
)

Parameters = dict[str, Scalar]
Device = Literal["cpu", "cuda"]


class Training(Strict):
    """Options of `sqcli train` that all steps share; a step's own come first."""

    net: str | None = Field(default=None, description="As `sqcli list nets` names it.")
    net_parameters: Parameters = Field(default={})
    schedule: str | None = Field(default=None, description="As `sqcli list schedules` names it.")
    schedule_parameters: Parameters = Field(default={})
    objective: str | None = Field(default=None, description="As `sqcli list objectives` names it.")
    objective_parameters: Parameters = Field(default={})
    epochs: Positive | None = Field(default=None, description="Passes through the data.")
    batch_size: Positive | None = None
    learning_rate: PositiveReal | None = None
    ema: Fraction | None = Field(default=None, description="Decay of the average of the weights.")
    validation: Fraction | None = Field(default=None, description="Fraction that is not trained on.")
    patience: Count | None = Field(default=None, description="Epochs without gain after which it ends; 0: never.")
    clip: PositiveReal | None = Field(default=None, description="Largest norm of the gradient.")
    augment: bool | None = Field(default=None, description="Transform by the symmetries of the action.")
    precision: Literal["float32", "bfloat16"] | None = None
    seed: Seed | None = None
    skip: Count | None = Field(default=None, description="Draws of each chain left out first.")
    max_draws: Positive | None = Field(default=None, description="Most draws of each chain.")
    device: Device | None = None


class Sampling(Strict):
    """Options of `sqcli sample` that all steps share; a step's own come first."""

    method: str | None = Field(default=None, description="As `sqcli list samplers` names it.")
    method_parameters: Parameters = Field(
        default={}, description="Of the sampler; hmc.step_size: of an interleaved algorithm."
    )
    parameters: Parameters = Field(default={}, description="Of the theory, where they are not the model's.")
    lattice: Extents | None = None
    chains: Positive | None = None
    draws: Positive | None = Field(default=None, description="Per chain.")
    accept: Literal["none", "independence"] | None = None
    interleave: Names | None = Field(default=None, description="Updates between two proposals, as hmc:2.")
    warmup: Count | None = Field(default=None, description="Proposals thrown away first.")
    seed: Seed | None = None
    device: Device | None = None


class Generating(Strict):
    """Options of `sqcli generate` that all steps share; a step's own come first."""

    theory: str | None = Field(default=None, description="As `sqcli list theories` names it.")
    lattice: Extents | None = None
    parameters: Parameters = Field(default={}, description="Of the theory, by public name.")
    chains: Positive | None = None
    draws: Positive | None = Field(default=None, description="Per chain.")
    warmup: Count | None = Field(default=None, description="Updates thrown away first.")
    every: Positive | None = Field(default=None, description="Updates per draw.")
    start: str | None = Field(default=None, description="hot, cold, or the name of an earlier ensemble.")
    seed: Seed | None = None
    dtype: Literal["float64", "float32"] | None = None


class Defaults(Generating):
    """What the steps share: options of `generate`, and of the other two kinds under their names."""

    train: Training = Training()
    sample: Sampling = Sampling()


class Generate(Generating, Part):
    """One run; with `scan` one for each combination of the listed parameter values."""

    generate: Name = Field(description="Name of the ensemble.")
    algorithm: str = Field(description="As `sqcli list algorithms` names it.")
    algorithm_parameters: Parameters = Field(default={})
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
            yield (f"{self.generate}/{label}" if label else self.generate), point


class Train(Training, Part):
    """One model."""

    train: Name = Field(description="Name of the model.")
    of: Names = Field(description="Ensembles to train on; the name of a scan stands for all of its points.")
    init: Name | None = Field(default=None, description="Earlier model whose weights are the first.")


class Sample(Sampling, Part):
    """One ensemble from a model."""

    sample: Name = Field(description="Name of the ensemble.")
    model: Name = Field(description="Name of a train step.")


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


def named(step: Generate | Train | Sample) -> tuple[str, str]:
    """Kind and name."""
    kind = type(step).__name__.lower()
    return kind, getattr(step, kind)
