"""Score and drift of the reverse process of one variable at given times, the model's beside the exact ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqcli.figures._base import AtTimes, ModelFigure, OnDevice
from sqcli.figures._style import COLOURS, COLUMN, HEIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sqcli.figures._model_source import ModelSource


@dataclass(frozen=True)
class ScoreFigure(AtTimes, OnDevice, ModelFigure):
    """Two panels, for models of zero-dimensional theories."""

    size: ClassVar[tuple[float, float]] = 1.9 * COLUMN, HEIGHT

    def draw(self, figure: "Figure", source: "ModelSource") -> Sequence[str]:
        """Draw score and drift; the score's deviation at each time."""
        from sqcli.figures._score_curves import curves

        found = curves(source, self)
        left, right = figure.subplots(1, 2)
        for number, curve in enumerate(found):
            colour, label = COLOURS[number % 6], f"t = {curve.t:.3g}"
            for axes, mine, exact in ((left, curve.score, curve.exact), (right, curve.drift, curve.exact_drift)):
                axes.plot(curve.field, exact, color=colour, linewidth=2.2, alpha=0.3)
                axes.plot(curve.field, mine, color=colour, linewidth=0.9, linestyle="--", label=label)
        for axes, letter in ((left, "a"), (right, "b")):
            axes.set_title(f"({letter})", loc="left")
            axes.set_xlabel(r"$\phi_t$")
        left.set_ylabel(r"score $\partial_\phi \log p_t$")
        right.set_ylabel(r"reverse drift $f\phi - g^2 \partial_\phi \log p_t$")
        left.legend(loc="best", title="dashed: model, pale: exact", title_fontsize=7)
        return [f"t = {curve.t:.4g}: relative deviation of the score {curve.deviation:.3g}" for curve in found]
