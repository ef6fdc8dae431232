"""Reweighting: ⟨O⟩ = Σ w O / Σ w over draws of another distribution, with w = e^{log weight} up to a common factor.

To first order the ratio r = Σ w p / Σ w is the mean of y_i = r + (w_i/w̄)(p_i − r), and exactly so in value: the rest
of the error analysis takes y for an ordinary series. Size of the sample after weighting: (Σ w)²/Σ w² (Kish, 1965).
"""

import numpy as np

from sqcli.stats.results import AnyArray, Chains, FloatArray, apart

LEAST_ESS = 100.0
LEAST_FRACTION = 0.01
MOST_SHARE = 0.1


def relative_weights(log_weights: Chains) -> list[FloatArray]:
    """Compute w/w̄ of every draw, (n_i,) per chain, with one w̄ for all chains.

    A NaN counts as weight zero. All are NaN where no weight is finite or one is infinite.
    """
    logs = np.concatenate([np.zeros(0), *log_weights])
    logs = np.where(np.isnan(logs), -np.inf, logs)
    with np.errstate(invalid="ignore"):  # no finite weight at all, or an infinite one: the estimate says so
        weights = np.exp(logs - logs.max(initial=-np.inf))
        weights /= weights.mean() if len(weights) else 1.0
    return apart(weights, log_weights)


def kish_ess(weights: Chains) -> float:
    """Compute Kish's effective sample size (Σ w)²/Σ w²; NaN where the weights are."""
    w = np.concatenate(list(weights))
    return float(w.sum() ** 2 / (w**2).sum())


def carried_by_few(weights: Chains) -> bool:
    """Tell whether the estimate hangs on few draws, so that its error cannot be trusted.

    Kish's size is below 100 or below 1 % of the draws, or one draw carries more than 10 % of the weight.
    """
    w = np.concatenate(list(weights))
    ess = kish_ess(weights)
    trusted = ess >= max(LEAST_ESS, LEAST_FRACTION * len(w)) and w.max() <= MOST_SHARE * w.sum()
    return not trusted


def reweighted(chains: Chains, weights: Chains) -> list[AnyArray]:
    """Make the series y of p, (n_i,) or (n_i, k) per chain, whose mean is Σ w p / Σ w; NaN may stand without weight."""
    p = np.concatenate([np.asarray(values) for values in chains])
    w = np.concatenate(list(weights))
    w = w.reshape(-1, *(1,) * (p.ndim - 1))
    p = np.where(w > 0, p, 0.0)
    ratio = (w * p).mean(axis=0) / w.mean()
    y = ratio + w * (p - ratio)
    return apart(y, chains)
