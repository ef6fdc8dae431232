"""Estimates against a parameter of the theory, beside the exact values; real and imaginary parts have panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli import parameters
from sqcli.analysis.ensemble import MeasuredEnsemble, open_for_measuring
from sqcli.analysis.exact_values import exact_values
from sqcli.analysis.measure import measure
from sqcli.errors import SqcliError
from sqcli.figures._axis import Axis
from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble
from sqcli.figures._style import COLOURS, COLUMN, HEIGHT, MARKERS, Quantity
from sqcli.options import option

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 81  # of the exact curve


@dataclass(frozen=True)
class _Point:
    """An estimate at x: the scan that the ensemble belongs to, the parameters, value and error."""

    series: str
    x: float
    at: Mapping[str, Any]
    opened: MeasuredEnsemble
    value: complex
    error: complex


@dataclass(frozen=True)
class DependenceFigure(EnsemblesFigure):
    """One colour for each scan, which is what a label has before its slash."""

    x: str | None = option(
        "Parameter along the axis; of a complex one re(NAME) or im(NAME) (the one that differs).",
        "NAME",
        flags=("--x",),
    )

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw points over the curve; they say no numbers."""
        opened = [open_for_measuring(each.path) for each in ensembles]
        points = [parameters.to_mapping(each.theory.loaded) for each in opened]
        axis = Axis.parse(self.x) if self.x else Axis.differing(points)
        measured = [_point(*each, axis, self.quantity) for each in zip(ensembles, opened, points, strict=True)]
        found = [point for point in measured if point is not None]
        curve = _exact(found[0], axis, self.quantity, [point.x for point in found]) if found else np.empty((0, 2))
        complex_valued = any(np.iscomplexobj(point.value) for point in found)
        figure.set_size_inches(COLUMN, HEIGHT * (1.7 if complex_valued else 1.0))
        panels = figure.subplots(2 if complex_valued else 1, 1, sharex=True, squeeze=False)[:, 0]
        for axes, part in zip(panels, ("re", "im"), strict=False):
            _panel(axes, part, found, curve)
            name = self.quantity.symbol
            axes.set_ylabel(f"{part.capitalize()} {name}" if complex_valued else name)
        panels[-1].set_xlabel(axis.label)
        panels[0].legend()
        return ()


def _point(
    ensemble: LabelledEnsemble, opened: MeasuredEnsemble, at: Mapping[str, Any], axis: Axis, quantity: Quantity
) -> _Point | None:
    """Estimate the quantity of an ensemble; None where there is no estimate."""
    rows = measure(ensemble.path, [quantity.name], options=quantity.options).estimates
    row = rows[quantity.column(tuple(row["component"] for row in rows if row["component"]))]
    if row["value"] is None:
        return None
    return _Point(ensemble.label.partition("/")[0], axis.value(at), at, opened, row["value"], row["error"] or 0.0)


def _exact(first: _Point, axis: Axis, quantity: Quantity, xs: Sequence[float]) -> NDArray[Any]:
    """Compute the exact curve, (n, 2) of x and value, where the theory knows it; other parameters are the first's."""
    kind, key = type(first.opened.theory.loaded), (quantity.name, quantity.component)
    curve = []
    for x in np.linspace(min(xs), max(xs), POINTS):
        try:
            theory: Any = parameters.build(kind, axis.moved(first.at, float(x)), "theory")
            curve.append((x, exact_values(theory, first.opened.lattice)[key]))
        except (SqcliError, KeyError):
            continue
    return np.array(curve).reshape(-1, 2)


def _panel(axes: "Axes", part: str, found: Sequence[_Point], curve: NDArray[Any]) -> None:
    """Draw one part of the points of each scan, and of the exact curve."""
    of: Any = np.real if part == "re" else np.imag
    axes.plot(curve[:, 0].real, of(curve[:, 1]), color="black", linewidth=0.8, label="exact")
    for number, series in enumerate(dict.fromkeys(point.series for point in found)):
        mine = sorted((point for point in found if point.series == series), key=lambda point: point.x)
        axes.errorbar(
            [point.x for point in mine], [of(point.value) for point in mine], [of(point.error) for point in mine],
            fmt=MARKERS[number % 6], color=COLOURS[number % 6], markersize=3, elinewidth=0.6, label=series,
        )  # fmt: skip
