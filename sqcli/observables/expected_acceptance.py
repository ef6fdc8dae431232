"""Acceptance that proposals of weights w would have in an independence Metropolis chain: ⟨min(w, w′)⟩/⟨w⟩ over pairs.

In equilibrium the chain's state has the density w q, a proposal q: ⟨w min(1, w′/w)⟩/⟨w⟩ with both from q. The mean
over pairs is a U-statistic; to first order its error is that of twice its means over one partner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import EVERY, Array, LatticeTheory, Observable
from sqcli.stats import Combine, apart


def pair_acceptance(weights: Array) -> Array:
    """Means a_i = Σ_{j≠i} min(w_i, w_j)/(n − 1) over partners, (n,) -> (n,); w itself where there is one only."""
    n = len(weights)
    if n < 2:
        return weights
    order = np.argsort(weights, kind="stable")
    rising = weights[order]
    below = np.concatenate([[0.0], np.cumsum(rising)[:-1]])
    found = np.empty(n)
    found[order] = (below + rising * np.arange(n - 1, -1, -1)) / (n - 1)
    return found


@dataclass(frozen=True)
class ExpectedAcceptance(Observable):
    """Acceptance among all proposals, also those that were not accepted; a weight NaN counts as zero."""

    definition: ClassVar[str] = "< min(w, w') > / < w > over pairs of proposals, w = exp(-S) / q"
    needs: ClassVar[tuple[str, ...]] = ("sample_stats/proposal_log_weight|log_weight",)
    on: ClassVar[tuple[str, ...]] = EVERY
    reweighted: ClassVar[bool] = False
    weights: ClassVar[str | None] = needs[0]

    def joint(self, chains: Sequence[Sequence[Array]]) -> list[Array]:
        """Columns per draw: its acceptance with all others, its weight, and the mean of the former."""
        logs = np.concatenate([series[0] for series in chains])
        logs = np.where(np.isnan(logs), -np.inf, logs)
        top = float(logs.max(initial=-np.inf))
        weights = np.exp(logs - top) if np.isfinite(top) else np.full(len(logs), np.nan)
        with_others = pair_acceptance(weights)
        columns = np.stack([with_others, weights, np.full(len(logs), with_others.mean())], axis=1)
        return apart(columns, [series[0] for series in chains])

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means to (2a − ā)/w̄, where ā is no random variable."""
        return lambda m: (2 * m[0] - m[2]) / m[1]
