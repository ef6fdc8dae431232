"""Overview: history, autocorrelation function and histogram of the observable, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble
from sqcli.figures._panels import histogram, history, rho
from sqcli.figures._style import COLUMN, HEIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class OverviewFigure(EnsemblesFigure):
    """Three panels."""

    size: ClassVar[tuple[float, float]] = 2.1 * COLUMN, HEIGHT

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw the panels (a), (b) and (c); they say no numbers."""
        all_axes = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
        for letter, axes, panel in zip("abc", all_axes, (history, rho, histogram), strict=True):
            panel(axes, ensembles, self.quantity)
            axes.set_title(f"({letter})", loc="left")
        return ()
