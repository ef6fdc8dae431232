"""Cumulants of the local field against time: of noised data, of the model's reverse process, and exact (2410.21212)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.figures._base import AtTimes, BesideEnsemble, ModelFigure, OnDevice, Seeded
from sqcli.figures._style import COLOURS, COLUMN, HEIGHT, MARKERS
from sqcli.options import option

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sqcli.figures._cumulant_curves import Curves
    from sqcli.figures._model_source import ModelSource

ORDERS = (2, 4, 6, 8)
ROOM = 0.2  # above and below, of the height
PART = 0.3  # of the height
DECADES = 30.0  # ratio of ends from which κ₂, which is positive, is logarithmic
Array = NDArray[np.float64]


@dataclass(frozen=True)
class CumulantsFigure(AtTimes, BesideEnsemble, Seeded, OnDevice, ModelFigure):
    """One panel per order; data are drawn from the theory, where it can be, or from an ensemble."""

    draws: int | None = option("Configurations or samples.", "N", least=1)
    size: ClassVar[tuple[float, float]] = 1.9 * COLUMN, 1.7 * HEIGHT

    def draw(self, figure: "Figure", source: "ModelSource") -> Sequence[str]:
        """Draw the curves; the numbers at the earliest time."""
        from sqcli.figures._cumulant_curves import curves

        found = curves(source, self, self.draws)
        for panel, axes in enumerate(figure.subplots(2, 2, sharex=True).flat):
            _panel(axes, found, panel)
        return [_line(found, panel, order) for panel, order in enumerate(ORDERS)]


def _panel(axes: "Axes", found: "Curves", panel: int) -> None:
    """Draw one order; axes follow the curve and the earliest points, errors beyond the panel's height are left out."""
    exact, pairs = found.exact[:, panel], ((found.forward, "forward"), (found.backward, "backward"))
    axes.plot(found.t, exact, color="black", linewidth=0.8, label=found.origin)
    low, high = _reach(exact, [(points.value[:, panel], points.error[:, panel]) for points, _ in pairs])
    room = ROOM * (high - low) or 1.0
    if panel == 0 and high > DECADES * low > 0:
        axes.set_yscale("log")
    else:
        axes.set_ylim(low - room, high + room)
    for number, (points, label) in enumerate(pairs):
        value, error = points.value[:, panel], points.error[:, panel]
        shown = error < high - low + 2 * room
        dots = partial(axes.errorbar, markersize=2.6, elinewidth=0.6, color=COLOURS[number], label=label)
        dots(found.t[shown], value[shown], error[shown], fmt=MARKERS[number])
    axes.set_ylabel(rf"$\kappa_{ORDERS[panel]}$")
    if panel >= 2:
        axes.set_xlabel(r"$t$")
    if panel == 0:
        axes.legend(loc="best")


def _reach(exact: Array, points: Sequence[tuple[Array, Array]]) -> tuple[float, float]:
    """Ends of the curve, of what surrounds a flat one, and of the earliest points; then of those well enough known."""
    conserved = np.ptp(exact) < 0.01 * np.abs(exact).max()
    curve = np.array([1 - PART, 1 + PART]) * exact.mean() if conserved else exact
    ends = np.concatenate([curve, *(np.array([v[0] - e[0], v[0] + e[0]]) for v, e in points)])
    good = [e < PART * np.ptp(ends) for _, e in points]
    ends = np.concatenate(
        [ends, *(v[g] + sign * e[g] for (v, e), g in zip(points, good, strict=True) for sign in (-1, 1))]
    )
    return float(ends.min()), float(ends.max())


def _line(found: "Curves", panel: int, order: int) -> str:
    """Numbers at the earliest time."""
    said = f"kappa_{order}(t = {found.t[0]:.3g}): {found.origin} {found.exact[0, panel]:.6g}"
    for name, points in (("forward", found.forward), ("backward", found.backward)):
        said += f", {name} {points.value[0, panel]:.6g} +- {points.error[0, panel]:.2g}"
    return said
