"""Thimbles and dual thimbles of a theory of one complex variable, with the configurations that were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli import store
from sqcli.analysis.ensemble import open_for_measuring
from sqcli.errors import UsageError
from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble
from sqcli.figures._style import COLOURS
from sqcli.theories import Thimble, thimble_weights, thimbles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 20000  # of an ensemble; more are not told apart
OUTSIDE = 0.1  # per cent of the points that may lie beyond each edge
MARGIN = 0.12


@dataclass(frozen=True)
class ThimblesFigure(EnsemblesFigure):
    """One panel for ensembles of one theory; the observable is always z itself."""

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw the curves over the points; intersection number, weight and ⟨z²⟩ of each thimble."""
        theory = _theory(ensembles)
        found, shares = thimbles(theory), thimble_weights(theory)
        points = [_points(store.open_ensemble(ensemble.path)) for ensemble in ensembles]
        axes = figure.add_subplot()
        for number, (ensemble, z) in enumerate(zip(ensembles, points, strict=True)):
            axes.plot(
                z.real, z.imag, ".", color=COLOURS[number % 6], markersize=0.8, alpha=0.3, zorder=1, rasterized=True
            )
            axes.plot([], [], "o", color=COLOURS[number % 6], markersize=3, label=ensemble.label)
        for thimble in found:
            _curves(axes, thimble)
        _frame(axes, np.concatenate([*points, [thimble.point for thimble in found if thimble.number]]))
        return [_line(thimble, complex(share)) for thimble, share in zip(found, shares, strict=True)]


def _line(thimble: Thimble, share: complex) -> str:
    """Say in numbers what a thimble contributes."""
    text = f"thimble of z = {thimble.point:.4g}: n = {thimble.number}"
    if thimble.number:
        text += f", n Z_k/Z = {share:.4g}"
    if thimble.number and not thimble.theory.manifold.period:
        text += f", <z^2> = {thimble.mean(np.square):.4g}"
    return text


def _theory(ensembles: Sequence[LabelledEnsemble]) -> Any:
    """Theory of all ensembles; UsageError where they have several, or one without thimbles."""
    (theory, path), *others = (
        (open_for_measuring(ensemble.path).theory.loaded, ensemble.path) for ensemble in ensembles
    )
    if not hasattr(theory, "critical_points"):
        raise UsageError(f"{path}: thimbles is a figure of theories of one complex variable, not of {theory}")
    for other, its_path in others:
        if other != theory:
            raise UsageError(f"{its_path} has other parameters than {path}: thimbles is a figure of one theory")
    return theory


def _points(ensemble: store.Ensemble) -> NDArray[Any]:
    """Configurations z of all chains, (n,), thinned where they are many."""
    step = 1 + int(ensemble.draws.sum()) // MOST_POINTS
    z = np.concatenate([ensemble.read_block(block).fields.ravel()[::step] for block in ensemble.blocks()])
    return np.asarray(z[np.isfinite(z)])


def _curves(axes: "Axes", thimble: Thimble) -> None:
    """Draw a critical point with its curves, pale where the thimble does not count; on a circle once more a turn on."""
    strong: dict[str, Any] = {"linewidth": 0.9, "alpha": 1.0 if thimble.number else 0.25}
    turn = thimble.theory.manifold.period
    for shift in (-turn, 0.0, turn) if turn else (0.0,):
        axes.plot((thimble.curve + shift).real, thimble.curve.imag, color="black", **strong)
        axes.plot((thimble.dual + shift).real, thimble.dual.imag, color="black", linestyle=":", **strong)
        axes.plot((thimble.point + shift).real, thimble.point.imag, "o", color="black", markersize=3, **strong)


def _frame(axes: "Axes", z: NDArray[Any]) -> None:
    """Show nearly all of the points z, and say what the curves are."""
    for part, limit in ((z.real, axes.set_xlim), (z.imag, axes.set_ylim)):
        low, high = np.percentile(part, [OUTSIDE, 100 - OUTSIDE])
        margin = MARGIN * (high - low) + 0.3
        limit(low - margin, high + margin)
    axes.plot([], [], color="black", label="thimble")
    axes.plot([], [], color="black", linestyle=":", label="dual thimble")
    axes.set(xlabel="Re z", ylabel="Im z")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handlelength=1.8, labelspacing=0.3)
