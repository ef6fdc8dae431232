"""Propagator G(k) against p̂² = Σ_μ 4 sin²(k_μ/2), with the free one, Z/(p̂² + m²), fitted to small p̂²."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble
from sqcli.figures._propagator_modes import FIT_BELOW, Array, Modes
from sqcli.figures._style import COLOURS, COLUMN, HEIGHT, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PropagatorFigure(EnsemblesFigure):
    """Two panels; the observable is always the power spectrum, whose options it takes."""

    size: ClassVar[tuple[float, float]] = COLUMN, 1.4 * HEIGHT

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw G(k) on logarithmic axes, below it the ratio to the fit; they say no numbers."""
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
        for number, ensemble in enumerate(ensembles):
            modes = Modes.measured(ensemble.path, self.options)
            _one(above, below, modes, ensemble.label, number)
        _label_above(above, len(ensembles))
        below.axhline(1, color="black", linewidth=0.5)
        below.set_ylabel("ratio to fit")
        below.set_xlabel(r"$\hat p^2 = \sum_\mu 4\sin^2(k_\mu/2)$ (lattice units)")
        below.axvspan(below.get_xlim()[0], FIT_BELOW, color="black", alpha=0.05, linewidth=0)
        return ()


def _label_above(axes: "Axes", count: int) -> None:
    """Make both axes logarithmic; the legend names `count` ensembles, each with its fit."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    if axes.get_ylim()[1] > 30 * axes.get_ylim()[0]:  # decades carry the labels, else 2, 3, 5 as well
        axes.yaxis.set_minor_formatter(lambda *_: "")
    else:
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:.1g}" if f"{value:e}"[0] in "235" else "")
    axes.set_ylabel(r"$G(k) = \langle|\tilde\phi(k)|^2\rangle / V$")
    handles, labels = axes.get_legend_handles_labels()
    pairs = sorted(range(len(labels)), key=lambda i: (i % count, i // count == 0))
    axes.legend([handles[i] for i in pairs], [labels[i] for i in pairs], loc="lower left")


def _one(above: "Axes", below: "Axes", full: Modes, label: str, number: int) -> None:
    z, m2 = full.fit()
    shown, colour = full.thinned(), COLOURS[number % 6]
    dots = partial(_dots, marker=MARKERS[number % 6], colour=colour)
    dots(above, shown.p2, shown.value, shown.error, label)
    p2 = np.geomspace(full.p2[0], full.p2[-1], 200)
    above.plot(p2, z / (p2 + m2), color=colour, linewidth=0.8, label=rf"${z:.3g}/(\hat p^2 + {m2:.2g})$")
    ratio = (shown.p2 + m2) / z
    dots(below, shown.p2, shown.value * ratio, shown.error * ratio, None)


def _dots(axes: "Axes", x: Array, y: Array, error: Array, label: str | None, *, marker: str, colour: str) -> None:
    axes.errorbar(x, y, error, fmt=marker, markersize=2.4, elinewidth=0.6, color=colour, label=label)
