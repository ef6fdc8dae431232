"""Histogram: the distribution of the observable over all draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqcli.figures import _panels
from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class HistogramFigure(EnsemblesFigure):
    """One panel."""

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw the panel; it says no numbers."""
        _panels.histogram(figure.add_subplot(), ensembles, self.quantity)
        return ()
