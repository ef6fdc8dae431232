"""Tail of the distribution of the drift: complex Langevin is not to be trusted where it is a power law.

The largest |∂S/∂z| has to be distributed as e^{−cx} or less far out (1606.07627). With p(x) ∝ x^{−1−1/ξ} beyond a
bound u, ξ > 0 is a power law and ξ ≤ 0 is not; it is estimated from ratios x/u by A. L. M. Dekkers, J. H. J. Einmahl
and L. de Haan (Ann. Stat. 17, 1833, 1989), whose error is √(1 + ξ²)/√k for k excursions.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis._equilibrium_flags import Z_LIMIT
from sqcli.stats import Chains

PARTS = (0.05, 0.01, 0.002)  # of the draws that are beyond the bounds
LEAST = 40  # excursions


@dataclass(frozen=True)
class DriftTail:
    """Tail index ξ of the drift with its error, from so many excursions beyond a bound."""

    index: float
    error: float
    bound: float
    excursions: int

    @property
    def z(self) -> float:
        """Standard errors by which the tail is a power law."""
        return self.index / self.error

    def words(self) -> str:
        """Describe it: "falls as x^-1.4 beyond 30"."""
        if self.z <= Z_LIMIT:
            return "P(|drift| > x) falls faster than a power"
        return f"P(|drift| > x) falls as x^{-1 / self.index:.2g} beyond {self.bound:.3g}"


def drift_tail(drifts: Chains) -> DriftTail | None:
    """Find the tail that is most surely a power law; None where there are too few draws to see one.

    Args:
        drifts: largest drift since the draw before, (n_i,) per chain.
    """
    pooled = np.concatenate(list(drifts))
    found = [tail for part in PARTS if (tail := _beyond(drifts, float(np.quantile(pooled, 1 - part)))) is not None]
    return max(found, key=lambda tail: tail.z, default=None)


def _beyond(drifts: Chains, bound: float) -> DriftTail | None:
    """Estimate the tail beyond a bound."""
    if not 0 < bound < math.inf:
        return None
    logs = np.log(np.concatenate([_excursions(chain, bound) for chain in drifts]) / bound)
    if len(logs) < LEAST or not np.isfinite(logs).all():
        return None
    first, second = float(logs.mean()), float((logs**2).mean())
    if second <= first**2:
        return None
    index = first + 1 - 0.5 / (1 - first**2 / second)
    return DriftTail(index, math.sqrt((1 + max(index, 0.0) ** 2) / len(logs)), bound, len(logs))


def _excursions(drift: NDArray[np.float64], bound: float) -> NDArray[np.float64]:
    """Take the largest of each run of draws beyond the bound, (k,)."""
    beyond = np.concatenate([[False], drift > bound])
    starts = np.flatnonzero(beyond[1:] & ~beyond[:-1])
    if not len(starts):
        return np.empty(0)
    return np.asarray(np.maximum.reduceat(np.where(drift > bound, drift, 0.0), starts))
