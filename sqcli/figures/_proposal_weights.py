"""Log weights of an ensemble's proposals, and the acceptance of an independence chain made of them.

Proposals of weights w are accepted in equilibrium with the probability ⟨min(w, w′)⟩/⟨w⟩ over pairs of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcli import stats
from sqcli.analysis.ensemble import LOG_WEIGHT
from sqcli.errors import SqcliError, UsageError
from sqcli.figures._model_source import ModelSource
from sqcli.observables.expected_acceptance import pair_acceptance

PROPOSALS = f"proposal_{LOG_WEIGHT}"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class ProposalWeights:
    """Log w/⟨w⟩ of all proposals (n,), what they make expect, and what a chain of them measured (None: no chain)."""

    log_w: Array
    expected: float
    ess: float
    measured: float | None

    def __str__(self) -> str:
        accepted = "" if self.measured is None else f", measured {self.measured:.4f}"
        return f"acceptance expected {self.expected:.4f}{accepted}; ESS/N {self.ess:.4f}; {len(self.log_w)} proposals"


def weights(source: ModelSource) -> ProposalWeights:
    """Read the weights of a sampled ensemble.

    Raises:
        UsageError: a model, or an ensemble without log weights.
    """
    opened = source.opened
    if source.is_model or opened is None:
        raise UsageError(f"acceptance is a plot of a sampled ensemble: sqcli sample {source.path} ENS --method path")
    recorded = opened.ensemble.stat_names
    name = PROPOSALS if PROPOSALS in recorded else LOG_WEIGHT
    if name not in recorded:
        raise UsageError(f"{source.path} has no log weights; sample by a method with density, such as path")
    logs = np.concatenate(opened.ensemble.stat(name))
    if not np.isfinite(logs).any():
        raise SqcliError(f"{source.path}: no proposal has a finite weight")
    relative = np.exp(np.where(np.isnan(logs), -np.inf, logs) - np.nanmax(logs))
    chained = "accepted" in recorded
    measured = float(np.concatenate(opened.ensemble.stat("accepted")).mean()) if chained else None
    log_w = logs - np.nanmax(logs) - np.log(relative.mean())
    return ProposalWeights(log_w, float(pair_acceptance(relative).mean() / relative.mean()), _ess(relative), measured)


def _ess(relative: Array) -> float:
    return stats.kish_ess([relative]) / len(relative)
