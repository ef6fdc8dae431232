"""Autocorrelation function ρ(t) with its error, its window and τ_int."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqcli.figures import _panels
from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class RhoFigure(EnsemblesFigure):
    """One panel."""

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw the panel; it says no numbers."""
        _panels.rho(figure.add_subplot(), ensembles, self.quantity)
        return ()
