"""History: the observable against the draw, pale one chain, strong the running means of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqcli.figures import _panels
from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble
from sqcli.figures._style import COLUMN, HEIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class HistoryFigure(EnsemblesFigure):
    """One panel."""

    size: ClassVar[tuple[float, float]] = 1.5 * COLUMN, HEIGHT

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw the panel; it says no numbers."""
        _panels.history(figure.add_subplot(), ensembles, self.quantity)
        return ()
