"""Phase diagram: heat maps of observables over two parameters of a scan, one panel each; in recipes.

Parameters may be both parts of a complex one, `re(a)` and `im(a)`, and what is shown the distance from the exact value.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.ensemble import open_for_measuring
from sqcli.analysis.exact_values import exact_values
from sqcli.analysis.measure import measure
from sqcli.errors import UsageError
from sqcli.figures._axis import Axis
from sqcli.figures._base import Grid, Mark, ScanFigure
from sqcli.figures._style import COLUMN, Quantity
from sqcli.options import REQUIRED, option

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPREAD = 10.0  # largest over median from which colours are logarithmic: a susceptibility has a peak
MARK = "#ff5a36"  # stands out from both ends of the colour map


@dataclass(frozen=True)
class PhaseDiagramFigure(ScanFigure):
    """Panels side by side, with known points marked."""

    observables: tuple[str, ...] = option("Observables, one panel each.", default=REQUIRED, role="recipe")
    options: Mapping[str, Any] = option("Options of the observables that have them.", default={}, role="recipe")
    distance: bool = option("Show the distance from the exact value.", default=False, role="recipe")
    marks: tuple[Mark, ...] = option("Known points.", default=(), role="recipe")

    def draw(self, figure: "Figure", grid: Grid) -> Sequence[str]:
        """Draw one panel per observable; they say no numbers."""
        maps = self._maps(grid)
        figure.set_size_inches(0.3 + 0.72 * COLUMN * len(maps), 0.85 * COLUMN)
        panels = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
        for axes, (quantity, values) in zip(panels, maps.items(), strict=True):
            image = _heat_map(axes, grid, values)
            said = f"distance of {quantity.symbol} from exact" if self.distance else quantity.symbol
            figure.colorbar(image, ax=axes, location="top", label=said, pad=0.02, aspect=25)
            self._label(axes)
        panels[0].set_ylabel(Axis.parse(self.y).label)
        return ()

    def _maps(self, grid: Grid) -> dict[Quantity, NDArray[np.float64]]:
        """Each quantity on the grid (y, x); NaN where it is not known."""
        xs, ys = _values(grid)
        quantities = [Quantity.parse(name) for name in self.observables]
        found = {quantity: np.full((len(ys), len(xs)), np.nan) for quantity in quantities}
        for (x, y), path in grid.items():
            exact = _exact(path) if self.distance else None
            rows = measure(path, [quantity.name for quantity in quantities], options=self.options).estimates
            for quantity, values in found.items():
                mine = [row for row in rows if row["observable"] == quantity.name]
                row = mine[quantity.column(tuple(r["component"] for r in mine if r["component"]))]
                values[ys.index(y), xs.index(x)] = _shown(row, exact)
        return found

    def _label(self, axes: "Axes") -> None:
        for mark in self.marks:
            axes.plot(mark.x, mark.y, marker="x", color=MARK, markersize=5, markeredgewidth=1.2)
            axes.annotate(mark.label, (mark.x, mark.y), xytext=(4, 4), textcoords="offset points", color=MARK)
        axes.set_xlabel(Axis.parse(self.x).label)
        axes.spines[["top", "right"]].set_visible(True)


def _exact(path: Path) -> dict[tuple[str, str | None], Any]:
    opened = open_for_measuring(path)
    return exact_values(opened.theory.loaded, opened.lattice)


def _shown(row: Mapping[str, Any], exact: Mapping[tuple[str, str | None], Any] | None) -> float:
    """Take what a map shows of an estimate: its value, or how far it is from the exact one; NaN where there is none."""
    if row["value"] is None:
        return math.nan
    if exact is None:
        return float(np.real(row["value"]))
    name, component = row["observable"], row["component"]
    if (name, component) not in exact:
        raise UsageError(f"distance: {name}{f'[{component}]' if component else ''} is not known exactly")
    return float(abs(row["value"] - exact[name, component]))


def _values(grid: Grid) -> tuple[list[float], list[float]]:
    """The values of x and of y, rising."""
    columns, rows = zip(*grid, strict=True)
    return sorted(set(columns)), sorted(set(rows))


def _heat_map(axes: "Axes", grid: Grid, values: NDArray[np.float64]) -> Any:
    peaked = np.nanmin(values) > 0 and np.nanmax(values) > SPREAD * np.nanmedian(values)
    norm = "log" if peaked else "linear"
    return axes.pcolormesh(*_values(grid), values, shading="nearest", cmap="viridis", rasterized=True, norm=norm)
