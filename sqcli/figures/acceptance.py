"""Acceptance: log weights of a sampled ensemble's proposals, and what a chain of them accepts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sqcli.figures._base import ModelFigure
from sqcli.figures._style import COLOURS, DASHES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sqcli.figures._model_source import ModelSource

BINS = 60


@dataclass(frozen=True)
class AcceptanceFigure(ModelFigure):
    """One panel."""

    of_samples: ClassVar[bool] = True

    def draw(self, figure: "Figure", source: "ModelSource") -> Sequence[str]:
        """Draw the distribution over proposals, and what e^{log w} makes of it: that over the target."""
        from sqcli.figures._proposal_weights import weights

        found = weights(source)
        axes = figure.add_subplot()
        values = found.log_w[np.isfinite(found.log_w)]
        edges = np.histogram_bin_edges(values, bins=min(BINS, max(8, int(np.sqrt(len(values))))))
        for number, (label, w) in enumerate((("proposals", None), ("target", np.exp(values)))):
            density, _ = np.histogram(values, bins=edges, weights=w, density=True)
            axes.stairs(density, edges, color=COLOURS[number], linestyle=DASHES[number], label=label)
        axes.set_xlabel(r"$\log w - \log\langle w\rangle$")
        axes.set_ylabel("probability density")
        axes.set_title(f"acceptance {found.expected:.3f}, ESS/N {found.ess:.3f}", loc="left")
        axes.legend(loc="upper left")
        return [str(found)]
