"""Phase diagram: heat maps of observables over two parameters of a scan, one panel each; in recipes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.measure import measure
from sqcli.figures._base import Grid, Mark, ScanFigure
from sqcli.figures._style import COLUMN, PARAMETERS, Quantity
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
    marks: tuple[Mark, ...] = option("Known points.", default=(), role="recipe")

    def draw(self, figure: "Figure", grid: Grid) -> Sequence[str]:
        """Draw one panel per observable; they say no numbers."""
        maps = self._maps(grid)
        figure.set_size_inches(0.3 + 0.72 * COLUMN * len(maps), 0.85 * COLUMN)
        panels = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
        for axes, (quantity, values) in zip(panels, maps.items(), strict=True):
            image = _heat_map(axes, grid, values)
            figure.colorbar(image, ax=axes, location="top", label=quantity.symbol, pad=0.02, aspect=25)
            self._label(axes)
        panels[0].set_ylabel(PARAMETERS.get(self.y, self.y))
        return ()

    def _maps(self, grid: Grid) -> dict[Quantity, NDArray[np.float64]]:
        """Each quantity on the grid (y, x); NaN where it is not known."""
        xs, ys = _values(grid)
        quantities = [Quantity.parse(name) for name in self.observables]
        found = {quantity: np.full((len(ys), len(xs)), np.nan) for quantity in quantities}
        for (x, y), path in grid.items():
            rows = measure(path, [quantity.name for quantity in quantities], options=self.options).estimates
            for quantity, values in found.items():
                mine = [row for row in rows if row["observable"] == quantity.name]
                value = mine[quantity.column(tuple(r["component"] for r in mine if r["component"]))]["value"]
                values[ys.index(y), xs.index(x)] = np.nan if value is None else value
        return found

    def _label(self, axes: "Axes") -> None:
        for mark in self.marks:
            axes.plot(mark.x, mark.y, marker="x", color=MARK, markersize=5, markeredgewidth=1.2)
            axes.annotate(mark.label, (mark.x, mark.y), xytext=(4, 4), textcoords="offset points", color=MARK)
        axes.set_xlabel(PARAMETERS.get(self.x, self.x))
        axes.spines[["top", "right"]].set_visible(True)


def _values(grid: Grid) -> tuple[list[float], list[float]]:
    """The values of x and of y, rising."""
    columns, rows = zip(*grid, strict=True)
    return sorted(set(columns)), sorted(set(rows))


def _heat_map(axes: "Axes", grid: Grid, values: NDArray[np.float64]) -> Any:
    peaked = np.nanmin(values) > 0 and np.nanmax(values) > SPREAD * np.nanmedian(values)
    norm = "log" if peaked else "linear"
    return axes.pcolormesh(*_values(grid), values, shading="nearest", cmap="viridis", rasterized=True, norm=norm)
