"""G(k) = ⟨|φ̃(k)|²⟩/V against p̂² = Σ_μ 4 sin²(k_μ/2), with the free propagator G = Z/(p̂² + m²) fitted to small p̂².

1/G = (p̂² + m²)/Z is linear in p̂², so the fit is a weighted linear one; the zero mode, which holds the disconnected
part, is left out. Modes of one ensemble are correlated, so the fit has no honest χ²: it is a guide to the eye.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.measure import measure
from sqcli.figures._style import COLOURS, MARKERS, Quantity, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIT_BELOW = 0.5  # p̂² of the fit's last mode
MOST_POINTS = 60  # of the figure: modes nearby on the logarithmic axis are averaged
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Propagator:
    """Modes by rising p̂², without the zero mode: p̂², G and its error, each (n,)."""

    p2: Array
    value: Array
    error: Array

    @classmethod
    def measured(cls, path: Path) -> "Propagator":
        """From the ensemble at `path`."""
        report = measure(path, ["power_spectrum"])
        extents = np.array(report.head["lattice"])
        rows = [row for row in report.estimates if any(map(int, row["component"].split(",")))]
        modes = np.array([[int(n) for n in row["component"].split(",")] for row in rows])
        p2 = (4 * np.sin(np.pi * modes / extents) ** 2).sum(axis=1)
        numbers = np.array([[row["value"], row["error"] or np.nan] for row in rows], dtype=np.float64)
        order = np.argsort(p2, kind="stable")
        return cls(p2[order], numbers[order, 0], numbers[order, 1])

    def fit(self) -> tuple[float, float]:
        """Z and m² of the free propagator at small p̂²."""
        few = max(3, int((self.p2 <= FIT_BELOW).sum()))
        p2, inverse = self.p2[:few], 1 / self.value[:few]
        weight = self.value[:few] ** 2 / np.where(np.isfinite(self.error[:few]), self.error[:few], self.value[:few])
        slope, constant = np.polyfit(p2, inverse, 1, w=weight)
        return float(1 / slope), float(constant / slope)

    def thinned(self) -> "Propagator":
        """Neighbouring modes averaged, at most `MOST_POINTS`; errors as if independent."""
        if len(self.p2) <= MOST_POINTS:
            return self
        edges = np.geomspace(self.p2[0], self.p2[-1] * (1 + 1e-9), MOST_POINTS + 1)
        bins = np.digitize(self.p2, edges)
        parts = [np.flatnonzero(bins == number) for number in np.unique(bins)]
        means = [(self.p2[i].mean(), self.value[i].mean(), np.sqrt((self.error[i] ** 2).sum()) / len(i)) for i in parts]
        return Propagator(*np.array(means).T)


def draw(figure: "Figure", sources: Sequence[Source], quantity: Quantity) -> None:  # noqa: ARG001 - as the others
    """G(k) on logarithmic axes, below it the ratio to the fit."""
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
    for number, source in enumerate(sources):
        _one(above, below, source, number)
    above.set_xscale("log")
    above.set_yscale("log")
    above.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    if above.get_ylim()[1] > 30 * above.get_ylim()[0]:  # decades carry the labels, else 2, 3, 5 as well
        above.yaxis.set_minor_formatter(lambda *_: "")
    else:
        above.yaxis.set_minor_formatter(lambda value, _: f"{value:.1g}" if f"{value:e}"[0] in "235" else "")
    above.set_ylabel(r"$G(k) = \langle|\tilde\phi(k)|^2\rangle / V$")
    handles, labels = above.get_legend_handles_labels()
    pairs = sorted(range(len(labels)), key=lambda i: (i % len(sources), i // len(sources) == 0))
    above.legend([handles[i] for i in pairs], [labels[i] for i in pairs], loc="lower left")
    below.axhline(1, color="black", linewidth=0.5)
    below.set_ylabel("ratio to fit")
    below.set_xlabel(r"$\hat p^2 = \sum_\mu 4\sin^2(k_\mu/2)$ (lattice units)")
    below.axvspan(below.get_xlim()[0], FIT_BELOW, color="black", alpha=0.05, linewidth=0)


def _one(above: "Axes", below: "Axes", source: Source, number: int) -> None:
    full = Propagator.measured(source.path)
    z, m2 = full.fit()
    shown, colour = full.thinned(), COLOURS[number % 6]
    dots = partial(_dots, marker=MARKERS[number % 6], colour=colour)
    dots(above, shown.p2, shown.value, shown.error, source.label)
    p2 = np.geomspace(full.p2[0], full.p2[-1], 200)
    above.plot(p2, z / (p2 + m2), color=colour, linewidth=0.8, label=rf"${z:.3g}/(\hat p^2 + {m2:.2g})$")
    ratio = (shown.p2 + m2) / z
    dots(below, shown.p2, shown.value * ratio, shown.error * ratio, None)


def _dots(axes: "Axes", x: Array, y: Array, error: Array, label: str | None, *, marker: str, colour: str) -> None:
    axes.errorbar(x, y, error, fmt=marker, markersize=2.4, elinewidth=0.6, color=colour, label=label)
