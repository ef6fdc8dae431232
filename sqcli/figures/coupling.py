"""Plaquette against β, beside u(β) of one plaquette (strong coupling) and 1 − dim G/(Dβ) (weak coupling)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sqcli.analysis.ensemble import open_for_measuring
from sqcli.analysis.measure import measure
from sqcli.errors import UsageError
from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble
from sqcli.figures._style import COLOURS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 120


@dataclass(frozen=True)
class CouplingFigure(EnsemblesFigure):
    """One panel for gauge ensembles; the observable is always the plaquette."""

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw plaquettes with their errors, and the limits of each group and dimension; they are no references."""
        axes = figure.add_subplot()
        drawn: set[tuple[str, int]] = set()
        found = [_found(ensemble) for ensemble in ensembles]
        values = [theory.beta for theory, _, _ in found]
        low, high = (reach * 1.6 for reach in (min(0.0, *values), max(0.0, *values)))
        betas = np.linspace(low, high, POINTS)
        for number, (ensemble, (theory, lattice, row)) in enumerate(zip(ensembles, found, strict=True)):
            group = (theory.manifold.name, lattice.dimension)
            if group not in drawn:
                _limits(axes, theory, lattice, betas, f"{group[0]}, {group[1]}D", COLOURS[len(drawn) % 6])
                drawn.add(group)
            axes.errorbar(
                theory.beta, row["value"], row["error"], fmt=MARKERS[number % 6], markersize=3, color="black",
                label=ensemble.label,
            )  # fmt: skip
        axes.set(xlabel=r"$\beta$", ylabel="plaquette", ylim=(-1 if low else 0, 1))
        axes.legend()
        return ()


def _found(ensemble: LabelledEnsemble) -> tuple[Any, Any, dict[str, Any]]:
    """Theory, lattice and estimate of the plaquette; UsageError where the theory has no limits to show."""
    opened = open_for_measuring(ensemble.path, 0)
    theory = opened.theory.loaded
    if not hasattr(theory, "coupling_limits"):
        raise UsageError(f"{ensemble.path}: coupling is a figure of gauge fields, not of {opened.theory.name}")
    (row,) = measure(ensemble.path, ["plaquette"]).estimates
    return theory, opened.lattice, dict(row)


def _limits(axes: "Axes", theory: Any, lattice: Any, betas: Any, label: str, colour: str) -> None:
    strong, weak = np.array([replace(theory, beta=float(beta)).coupling_limits(lattice) for beta in betas]).T
    axes.plot(betas, strong, color=colour, linewidth=0.8, label=f"{label}: strong coupling")
    shown = np.abs(weak) < 1
    axes.plot(betas[shown], weak[shown], color=colour, linewidth=0.8, linestyle="--", label=f"{label}: weak coupling")
