"""The plots of a recipe: a model per kind of figure, made from the options that its dataclass states."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model

from sqcli import registry
from sqcli.figures import FOLDER, EnsemblesFigure, FigureKind, ModelFigure, ScanFigure, build, kind_of, kinds
from sqcli.options import Asked, asked
from sqcli.recipes._options import field
from sqcli.recipes._values import ListEntry, Name, Names


class PlotEntry(ListEntry):
    """Figure of a recipe: the options that all kinds have."""

    plot: Name = Field(description="Name of the image.")
    kind: str

    def given(self) -> list[tuple[Asked, Any]]:
        """List the options that are given, with their values."""
        said = [(each, getattr(self, each.name)) for each in _options(self.kind)]
        return [(each, value) for each, value in said if value not in (None, (), {})]

    def figure(self, paths: Mapping[str, Path]) -> FigureKind:
        """Build the figure; the ensembles that it names lie at `paths`."""
        values = {each.name: paths[value] if each.said.role == "path" else value for each, value in self.given()}
        return build(self.kind, values)


class EnsemblesPlot(PlotEntry):
    """A figure of one or several ensembles."""

    of: Names


class ModelPlot(PlotEntry):
    """A figure of a model, or of an ensemble sampled with densities."""

    of: str = Field(description="A train step; of some kinds also a sample step.")


class ScanPlot(PlotEntry):
    """A figure of a scan over two parameters, or over both parts of a complex one."""

    of: Name = Field(description="A generate step with a scan.")
    x: str = Field(description="Parameter, or re(NAME).")
    y: str = Field(description="Parameter, or im(NAME).")


SUBJECTS: dict[type, type[PlotEntry]] = {
    EnsemblesFigure: EnsemblesPlot,
    ModelFigure: ModelPlot,
    ScanFigure: ScanPlot,
}


def _options(kind: str) -> list[Asked]:
    return [each for each in asked(kind_of(kind)).values() if each.said.role != "how"]


def _model(kind: str) -> type[PlotEntry]:
    """Make the model of plots of a kind."""
    found = kind_of(kind)
    base = next(entry for subject, entry in SUBJECTS.items() if issubclass(found, subject))
    fields: dict[str, Any] = {each.name: field(each, each.key) for each in _options(kind)}
    said: Any = (Literal.__getitem__(kind), ...)
    about = registry.summary(FOLDER, kind)
    return create_model(found.__name__, __base__=base, __module__=__name__, __doc__=about, kind=said, **fields)


MODELS: dict[str | int, type[PlotEntry]] = {kind: _model(kind) for kind in kinds()}

if TYPE_CHECKING:  # models made at run time: a type checker sees what all of them have
    Plot = PlotEntry
else:
    Plot = Annotated[reduce(or_, MODELS.values()), Field(discriminator="kind")]
