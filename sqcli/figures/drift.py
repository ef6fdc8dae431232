"""Distribution of the drift of complex Langevin, P(|∂S/∂z| > x): straight where it is a power law."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sqcli import store
from sqcli.analysis.drift_tail import drift_tail
from sqcli.errors import UsageError
from sqcli.figures._base import EnsemblesFigure, LabelledEnsemble
from sqcli.figures._style import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATISTIC = "drift_max"
MOST_POINTS = 1000  # of a line


@dataclass(frozen=True)
class DriftFigure(EnsemblesFigure):
    """One panel of the largest drift between two draws; the observable is always that."""

    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw the distributions; whether each falls as a power law."""
        axes, lines = figure.add_subplot(), []
        for number, each in enumerate(ensembles):
            ensemble = store.open_ensemble(each.path)
            if STATISTIC not in ensemble.stat_names:
                raise UsageError(f"{each.path}: drift is a figure of complex Langevin, which records it")
            chains = ensemble.stat(STATISTIC)
            drift = np.sort(np.concatenate(list(chains)))[::-1]
            share = np.arange(1, len(drift) + 1) / len(drift)
            shown = np.unique(np.geomspace(1, len(drift), MOST_POINTS).astype(int)) - 1
            axes.plot(drift[shown], share[shown], color=COLOURS[number % 6], label=each.label)
            tail = drift_tail(chains)
            lines.append(f"{each.label}: " + ("too few draws to judge" if tail is None else tail.words()))
        axes.set(xscale="log", yscale="log", xlabel="x", ylabel=r"$P(|\partial S/\partial z| > x)$")
        axes.legend()
        return lines
