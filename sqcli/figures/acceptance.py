"""Histogram of log weights of an ensemble's proposals, and the acceptance of an independence chain made of them.

Proposals of weights w are accepted in equilibrium with the probability ⟨min(w, w′)⟩/⟨w⟩ over pairs of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli import stats
from sqcli.analysis.ensemble import LOG_WEIGHT
from sqcli.errors import SqcliError, UsageError
from sqcli.figures._model_source import Subject
from sqcli.figures._style import COLOURS, DASHES
from sqcli.observables.expected_acceptance import pair_acceptance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROPOSALS = f"proposal_{LOG_WEIGHT}"
BINS = 60
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """Log w/⟨w⟩ of all proposals (n,), what they make expect, and what a chain of them measured (None: no chain)."""

    log_w: Array
    expected: float
    ess: float
    measured: float | None

    def __str__(self) -> str:
        accepted = "" if self.measured is None else f", measured {self.measured:.4f}"
        return f"acceptance expected {self.expected:.4f}{accepted}; ESS/N {self.ess:.4f}; {len(self.log_w)} proposals"


def weights(subject: Subject) -> Weights:
    """Of a sampled ensemble.

    Raises:
        UsageError: a model, or an ensemble without log weights.
    """
    opened = subject.opened
    if subject.is_model or opened is None:
        raise UsageError(f"acceptance is a plot of a sampled ensemble: sqcli sample {subject.path} ENS --method path")
    recorded = opened.ensemble.stat_names
    name = PROPOSALS if PROPOSALS in recorded else LOG_WEIGHT
    if name not in recorded:
        raise UsageError(f"{subject.path} has no log weights; sample by a method with density, such as path")
    logs = np.concatenate(opened.ensemble.stat(name))
    if not np.isfinite(logs).any():
        raise SqcliError(f"{subject.path}: no proposal has a finite weight")
    relative = np.exp(np.where(np.isnan(logs), -np.inf, logs) - np.nanmax(logs))
    chained = "accepted" in recorded
    measured = float(np.concatenate(opened.ensemble.stat("accepted")).mean()) if chained else None
    log_w = logs - np.nanmax(logs) - np.log(relative.mean())
    return Weights(log_w, float(pair_acceptance(relative).mean() / relative.mean()), _ess(relative), measured)


def _ess(relative: Array) -> float:
    return stats.kish_ess([relative]) / len(relative)


def draw(figure: "Figure", subject: Subject) -> Sequence[str]:
    """The distribution over proposals, and what e^{log w} makes of it: that over the target."""
    found = weights(subject)
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
