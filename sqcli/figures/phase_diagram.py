"""Phase diagrams: heat maps of observables over two parameters, one panel each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.measure import measure
from sqcli.figures._style import COLUMN, PARAMETERS, Quantity, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPREAD = 10.0  # largest over median from which colours are logarithmic: a susceptibility has a peak

MARK = "#ff5a36"  # stands out from both ends of the colour map


@dataclass(frozen=True)
class Diagram:
    """Ensembles on a grid of the parameters `x` and `y`, and known points (x, y, label)."""

    x: str
    y: str
    ensembles: Mapping[tuple[float, float], Path]
    marks: Sequence[tuple[float, float, str]] = ()

    @property
    def axes(self) -> tuple[list[float], list[float]]:
        """The values of x and of y, rising."""
        columns, rows = zip(*self.ensembles, strict=True)
        return sorted(set(columns)), sorted(set(rows))

    def maps(self, names: Sequence[str]) -> dict[Quantity, NDArray[np.float64]]:
        """Each quantity on the grid (y, x); NaN where it is not known."""
        xs, ys = self.axes
        quantities = [Quantity.parse(name) for name in names]
        found = {quantity: np.full((len(ys), len(xs)), np.nan) for quantity in quantities}
        for (x, y), path in self.ensembles.items():
            rows = measure(path, [quantity.name for quantity in quantities]).estimates
            for quantity, grid in found.items():
                mine = [row for row in rows if row["observable"] == quantity.name]
                value = mine[quantity.column(tuple(r["component"] for r in mine if r["component"]))]["value"]
                grid[ys.index(y), xs.index(x)] = np.nan if value is None else value
        return found


def draw(diagram: Diagram, names: Sequence[str], out: Path) -> None:
    """One panel per quantity, side by side, written to `out`."""
    maps = diagram.maps(names)
    with sheet(out, 0.3 + 0.72 * COLUMN * len(maps), 0.85 * COLUMN) as figure:
        panels = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
        for axes, (quantity, grid) in zip(panels, maps.items(), strict=True):
            _panel(figure, axes, diagram, quantity, grid)
        panels[0].set_ylabel(PARAMETERS.get(diagram.y, diagram.y))


def _panel(figure: "Figure", axes: "Axes", diagram: Diagram, quantity: Quantity, grid: NDArray[np.float64]) -> None:
    xs, ys = diagram.axes
    peaked = np.nanmin(grid) > 0 and np.nanmax(grid) > SPREAD * np.nanmedian(grid)
    norm = "log" if peaked else "linear"
    image = axes.pcolormesh(xs, ys, grid, shading="nearest", cmap="viridis", rasterized=True, norm=norm)
    figure.colorbar(image, ax=axes, location="top", label=quantity.symbol, pad=0.02, aspect=25)
    for x, y, label in diagram.marks:
        axes.plot(x, y, marker="x", color=MARK, markersize=5, markeredgewidth=1.2)
        axes.annotate(label, (x, y), xytext=(4, 4), textcoords="offset points", color=MARK)
    axes.set_xlabel(PARAMETERS.get(diagram.x, diagram.x))
    axes.spines[["top", "right"]].set_visible(True)
