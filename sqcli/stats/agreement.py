"""Agreement of chains with one another, measured by what each of them knows about itself.

The means of the chains' normal scores are held against errors from within the chains, so that chains that are each
frozen in a state of their own cannot excuse themselves by the scatter that this makes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sqcli.stats.gamma import gamma_method
from sqcli.stats.means import chain_means
from sqcli.stats.results import Chains, FloatArray
from sqcli.stats.special import CERTAIN, f_p, normal_quantile, normal_upper_quantile

LONG_ENOUGH = 25.0  # autocorrelation times that a chain's own error needs


def normal_scores(values: FloatArray) -> FloatArray:
    """Replace values (N,) by those of a Gaussian at the same ranks, ties in the middle; bounded by √(2 log N)."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(values)
    return np.asarray(normal_quantile(middle)[which])


def agreement(chains: Chains) -> float | None:
    """Test whether all chains, (n_i,) each, have one mean: Snedecor's F as the Gaussian z, large where they differ.

    None for one chain, for chains too short to know their own errors, and where nothing fluctuates at all.
    """
    kept = [np.asarray(c, dtype=np.float64) for c in chains if len(c)]
    lengths = np.array([len(c) for c in kept], dtype=np.int64)
    if len(kept) < 2 or lengths.max() < 2:
        return None
    values = np.concatenate(kept)
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return None
    return _between(normal_scores(values), lengths)


def _between(scores: FloatArray, lengths: NDArray[np.int64]) -> float | None:
    means = chain_means(scores, lengths)
    within = scores - np.repeat(means, lengths)
    spread = float((lengths * (means - scores.mean()) ** 2).sum()) / (len(lengths) - 1)
    if float(within @ within) < 1e-20 * len(scores):
        return CERTAIN
    g = gamma_method(within, lengths)
    typical = float(lengths @ lengths) / len(scores)
    tau = max(0.5, g.tau * (1 + 2 * g.tau * len(lengths) / len(scores)))  # the own mean's bias
    if typical < LONG_ENOUGH * tau:
        return None
    p = f_p(spread / (2 * tau * g.variance), len(lengths) - 1, max(1.0, len(scores) / (2 * g.w + 1) - len(lengths)))
    return min(CERTAIN, normal_upper_quantile(p)) if math.isfinite(p) else None
