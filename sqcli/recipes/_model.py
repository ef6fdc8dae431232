"""Contents of a recipe: steps to run, a table of numbers to compare, figures; names and numbers only, no code."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from sqcli.recipes._kinds import Defaults, Generate, Sample, Step, Train
from sqcli.recipes._plots import Plot
from sqcli.recipes._values import Component, Count, Error, ListEntry, Name, Number, Parameters, Strict, Window

CPU = "cpu"


class Reference(Strict):
    """A number to compare with."""

    value: Number = Field(description="Complex as `0.4-0.1j`.")
    error: Error = Field(default=0.0, description="0 for an exact number; of a complex one those of both parts.")
    source: str = Field(description="Where it stands: paper and table, or how it was computed.")


class Measured(Strict):
    """Reference that is measured: the quantity of the row in another ensemble of the recipe."""

    of: str = Field(description="Name of an ensemble.")


def _reference(value: Any) -> str:
    if isinstance(value, (str, Measured)):
        return "~exact" if isinstance(value, str) else "~measured"
    return "~measured" if isinstance(value, dict) and "of" in value else "~number"


Right = Annotated[
    Annotated[Reference, Tag("~number")]
    | Annotated[Measured, Tag("~measured")]
    | Annotated[Literal["exact"], Tag("~exact")],
    Discriminator(_reference),
]


class Row(ListEntry):
    """A line of the table: an observable of an ensemble, beside what is published and what is right."""

    of: str = Field(description="Name of a generate or sample step; of a scan: name/kappa=0.2,lambda=0.02.")
    observable: str = Field(description="Observable, as `sqcli list observables` names it.")
    options: Parameters = Field(default={}, description="Options of the observable, as `sqcli measure -o` takes them.")
    component: Component | None = None
    quantity: Literal["value", "tau_int", "ess"] = Field(
        default="value", description="tau_int counts updates; ess: effective draws per draw, of weights and memory."
    )
    window: Window = Field(default="auto", description="Window of tau_int: where the sum over rho(t) ends, in draws.")
    skip: Count = Field(default=0, description="Draws left out at the beginning of each chain.")
    published: Reference | None = None
    reference: Right | None = Field(
        default=None, description="A number from elsewhere, another ensemble, or `exact`: what the theory knows."
    )


Replacements = dict[str, Any]


class Recipe(Strict):
    """A recipe of sqcli."""

    name: Name = Field(description="Results go to results/NAME.")
    description: str
    source: str = Field(description="The paper, by arXiv number.")
    defaults: Defaults = Defaults()
    profiles: dict[Name, Replacements] = Field(
        default={}, description="Profile: entries it replaces, dotted key -> value; cpu is the recipe as it stands."
    )
    steps: Annotated[list[Step], Field(min_length=1)]
    table: list[Row] = Field(default=[])
    plots: list[Plot] = Field(default=[])

    @model_validator(mode="after")
    def _set_indices(self) -> "Recipe":
        for parts in (self.steps, self.table, self.plots):
            for index, part in enumerate(parts):
                part.set_index(index)
        return self

    def within(self, profile: str) -> "Recipe":
        """Return the recipe with only those steps, rows and plots that belong to `profile`."""
        parts = {
            key: [part for part in getattr(self, key) if part.only is None or profile in part.only]
            for key in ("steps", "table", "plots")
        }
        return self.model_copy(update=parts)

    @property
    def makers(self) -> dict[str, Generate | Sample]:
        """Steps that make ensembles, by name."""
        return {step.made: step for step in self.steps if not isinstance(step, Train)}

    @property
    def ensembles(self) -> dict[str, list[str]]:
        """Names of the ensembles that each step makes, by the name of the step."""
        return {name: [point for point, _ in step.points()] for name, step in self.makers.items()}

    @property
    def models(self) -> list[str]:
        """Names of the train steps."""
        return [step.train for step in self.steps if isinstance(step, Train)]
