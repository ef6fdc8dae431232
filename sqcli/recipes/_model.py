"""What a recipe may say: runs to generate, a table of numbers to compare, figures. Names and numbers only, no code."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
Scalar = bool | int | float | str
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


class Strict(BaseModel):
    """No unknown keys, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _extents(value: Any) -> Any:
    """`32x32` or a number as a list."""
    if isinstance(value, int):
        return [value]
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(x[0-9]+)*", value):
        return [int(extent) for extent in value.split("x")]
    return value


def _many(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) else value


EXTENTS: dict[str, Any] = {
    "anyOf": [{"type": "string", "pattern": "^[0-9]+(x[0-9]+)*$"}, {"type": "integer", "minimum": 1}],
    "description": "Extents, as 32x32; 1 in zero dimensions.",
}
ONE_OR_MANY: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "description": "One name, or several.",
}
Extents = Annotated[tuple[Positive, ...], BeforeValidator(_extents), WithJsonSchema(EXTENTS)]
Names = Annotated[tuple[str, ...], BeforeValidator(_many), Field(min_length=1), WithJsonSchema(ONE_OR_MANY)]
Component = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "integer"]})]
Window = Literal["auto"] | Positive


class Defaults(Strict):
    """Options of `sqcli generate` that all steps share; a step's own come first."""

    theory: str | None = Field(default=None, description="As `sqcli list theories` names it.")
    lattice: Extents | None = None
    parameters: dict[str, Scalar] = Field(default={}, description="Of the theory, by public name.")
    chains: Positive | None = None
    draws: Positive | None = Field(default=None, description="Per chain.")
    warmup: Count | None = Field(default=None, description="Updates thrown away first.")
    every: Positive | None = Field(default=None, description="Updates per draw.")
    start: str | None = Field(default=None, description="hot, cold, or the name of an earlier step.")
    seed: Annotated[int, Field(ge=0, lt=2**64)] | None = None
    dtype: Literal["float64", "float32"] | None = None


class Generate(Defaults):
    """One run; with `scan` one for each combination of the listed parameter values."""

    generate: Name = Field(description="Name of the ensemble.")
    algorithm: str = Field(description="As `sqcli list algorithms` names it.")
    algorithm_parameters: dict[str, Scalar] = {}
    scan: dict[str, Annotated[list[Scalar], Field(min_length=1)]] = Field(
        default={}, description="Theory parameter: values."
    )

    def points(self) -> Iterator[tuple[str, Mapping[str, Scalar]]]:
        """Name and parameters of every ensemble of this step."""
        for values in product(*self.scan.values()):
            point = dict(zip(self.scan, values, strict=True))
            label = ",".join(f"{key}={value}" for key, value in point.items())
            yield (f"{self.generate}/{label}" if label else self.generate), point


class Reference(Strict):
    """A number to compare with."""

    value: float
    error: Annotated[float, Field(ge=0)] = Field(default=0.0, description="0 for an exact number.")
    source: str = Field(description="Where it stands: paper and table, or how it was computed.")


class Row(Strict):
    """A line of the table: an observable of an ensemble, beside what is published and what is right."""

    of: str = Field(description="Name of a generate step; of a scan: name/kappa=0.2,lambda=0.02.")
    observable: str = Field(description="As `sqcli list observables` names it.")
    component: Component | None = None
    quantity: Literal["value", "tau_int"] = Field(default="value", description="tau_int counts updates.")
    window: Window = Field(default="auto", description="Of tau_int: where the sum over rho(t) ends, in draws.")
    skip: Count = Field(default=0, description="Draws left out at the beginning of each chain.")
    published: Reference | None = None
    reference: Reference | None = Field(default=None, description="Exact, or from independent code.")


class SeriesPlot(Strict):
    """A figure of `sqcli plot`, with one or several ensembles."""

    plot: Name = Field(description="Name of the image.")
    kind: Literal["history", "rho", "histogram", "overview", "propagator"]
    of: Names
    observable: str = "magnetization"


class Mark(Strict):
    """A known point in a phase diagram."""

    x: float
    y: float
    label: str


class PhaseDiagram(Strict):
    """Heat maps of observables over the two parameters of a scan."""

    plot: Name = Field(description="Name of the image.")
    kind: Literal["phase_diagram"]
    of: Name = Field(description="A generate step with a scan.")
    x: str = Field(description="Parameter along the horizontal axis.")
    y: str = Field(description="Parameter along the vertical axis.")
    observables: Names
    marks: list[Mark] = []


Plot = Annotated[SeriesPlot | PhaseDiagram, Field(discriminator="kind")]


class Recipe(Strict):
    """A recipe of sqcli."""

    name: Name = Field(description="Results go to results/NAME.")
    description: str
    source: str = Field(description="The paper, by arXiv number.")
    defaults: Defaults = Defaults()
    steps: Annotated[list[Generate], Field(min_length=1)]
    table: list[Row] = []
    plots: list[Plot] = []
