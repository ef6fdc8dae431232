"""Learnt score of a complex variable beside the drift of complex Langevin, with their curls and with densities.

Neither need be a gradient: the drift's curl is −2 Im S″, the score's is 0 for the head `energy` only (2510.01328).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.figures._base import AtTimes, BesideEnsemble, ModelFigure, OnDevice, Seeded
from sqcli.figures._style import COLOURS, COLUMN, DASHES, HEIGHT
from sqcli.options import option

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sqcli.figures._model_source import ModelSource
    from sqcli.figures._plane_fields import Compared, Plane

APART = 5  # points of the grid from arrow to arrow
CONTOURS = (1.0, 2.0, 4.0, 8.0)  # of −log P above its least
BINS = 60


@dataclass(frozen=True)
class VectorFieldFigure(AtTimes, BesideEnsemble, Seeded, OnDevice, ModelFigure):
    """Four panels: score and drift as arrows on their curls, P(x, y), and its marginal distribution of Im z."""

    draws: int = option("Configurations or samples.", "N", default=20000, least=1)
    size: ClassVar[tuple[float, float]] = 1.9 * COLUMN, 1.8 * HEIGHT

    def draw(self, figure: "Figure", source: "ModelSource") -> Sequence[str]:
        """Draw the panels; the curls in numbers, as means over the model's density."""
        from sqcli.figures._plane_fields import compared

        found = compared(source, self, self.draws)
        panels = figure.subplots(2, 2).flat
        for axes, vectors, curl, name in (
            (panels[0], found.score, found.score_curl, "score"),
            (panels[1], found.drift, found.drift_curl, "CL drift"),
        ):
            _arrows(axes, found.plane, vectors, curl)
            axes.set_title(f"{name}, curl", fontsize=8)
        _density(panels[2], found)
        _marginal(panels[3], found)
        return found.lines()


def _arrows(axes: "Axes", plane: "Plane", vectors: NDArray[Any], curl: NDArray[np.float64]) -> None:
    """Draw directions of vectors on the grid as arrows, over the curl as colour."""
    reach = float(np.abs(curl).max()) or 1.0
    shown = axes.pcolormesh(plane.x, plane.y, curl.T, cmap="RdBu_r", vmin=-reach, vmax=reach, rasterized=True)
    axes.figure.colorbar(shown, ax=axes, pad=0.02)
    some = slice(APART // 2, None, APART)
    x, y, v = plane.x[some], plane.y[some], vectors[some, some]
    extents = plane.x[-1] + 1j * plane.y[-1]
    scaled = v.real / extents.real + 1j * v.imag / extents.imag  # directions as they look in a panel of any shape
    unit = scaled / np.maximum(np.abs(scaled), 1e-300)
    axes.quiver(x, y, unit.real.T, unit.imag.T, scale=28, width=0.004, pivot="mid")
    axes.set(xlabel="Re z", ylabel="Im z")


def _density(axes: "Axes", found: "Compared") -> None:
    """Draw the model's draws as colour, −log P by the score and of the Fokker–Planck equation as lines."""
    x, y = found.plane.x, found.plane.y
    ends = [[x[0], x[-1]], [y[0], y[-1]]]
    axes.hist2d(found.drawn.real, found.drawn.imag, bins=BINS, range=ends, cmap="Greys", rasterized=True)
    for table, colour in ((found.log_density, COLOURS[0]), (found.log_known, COLOURS[1])):
        if table is not None:
            axes.contour(x, y, table.max() - table.T, levels=CONTOURS, colors=colour, linewidths=0.7)
    axes.set(xlabel="Re z", ylabel="Im z")
    axes.set_title(r"$P(x, y)$: draws, $-\log P$", fontsize=8)


def _marginal(axes: "Axes", found: "Compared") -> None:
    """Draw the distribution of Im z by all ways that there are."""
    ends = float(found.plane.y[0]), float(found.plane.y[-1])
    for number, (label, z) in enumerate((("model", found.drawn), ("ensemble", found.data))):
        if z is not None:
            density, edges = np.histogram(z.imag, bins=BINS, range=ends, density=True)
            axes.stairs(density, edges, color=COLOURS[number], linestyle=DASHES[number], linewidth=0.9, label=label)
    if found.known is not None:
        y, density = found.known
        axes.plot(y, density, color="black", linewidth=0.6, label="Fokker–Planck")
    axes.set(xlabel="Im z", ylabel="probability density", xlim=ends)
    axes.legend(loc="upper right", handlelength=1.5, labelspacing=0.3)
