"""Boundary terms of complex Langevin: the mean of L O over draws whose drift is below a bound (1808.05187, 2112.02924).

B(Y) = ⟨θ(Y − u) L O⟩ → 0 as Y → ∞ is what makes the mean of O right; where P falls slowly B stays what it is until
noise takes over. With u = |∂S/∂z| as the quantity that is bounded, a right process leaves out about x = p|L O| with
the part p of the draws that are beyond Y, |L O| near the bound; from two bounds B is taken to x = 0, linearly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sqcli import stats
from sqcli.stats import Chains

PARTS = ((0.01, 0.0025), (0.0025, 0.0006))  # of the draws beyond the two bounds
SPARE = 0.5  # of x at the farther bound: how wrong the linear law may be
LEAST = 1000  # draws


@dataclass(frozen=True)
class BoundaryTerm:
    """Boundary term B(x → 0) with its error, the farther bound, and how far B is from 0 beyond what is spared."""

    value: complex
    error: complex
    bound: float
    z: float


def boundary_term(terms: Chains, drifts: Chains, spared: float = 0.0) -> BoundaryTerm | None:
    """Find the boundary term that is most surely there; None where there are too few draws.

    Args:
        terms: L O of the draws, complex, (n_i,) per chain.
        drifts: |∂S/∂z| of the draws, (n_i,) per chain.
        spared: what else B may be, for reasons that are known.
    """
    if sum(map(len, drifts)) < LEAST:
        return None
    return max(_extrapolated(terms, drifts, spared), key=lambda found: found.z, default=None)


def _extrapolated(terms: Chains, drifts: Chains, spared: float) -> Iterator[BoundaryTerm]:
    """Extrapolate B from each pair of bounds."""
    drift, size = np.concatenate(list(drifts)), np.abs(np.concatenate(list(terms)))
    order = np.argsort(-drift)
    for parts in PARTS:
        counts = [max(1, int(part * len(drift))) for part in parts]
        near, far = (drift[order[count - 1]] for count in counts)
        x, y = (count / len(drift) * float(np.median(size[order[count // 2 : 2 * count]])) for count in counts)
        if not 0 < y < x:
            continue
        series = [term * ((d < far) * x - (d < near) * y) / (x - y) for term, d in zip(terms, drifts, strict=True)]
        estimate = stats.estimate(series)[0]
        if estimate.value is not None and estimate.error is not None:
            value, error = complex(estimate.value), complex(estimate.error)
            yield BoundaryTerm(value, error, float(far), _beyond(value, error, SPARE * y + spared))


def _beyond(value: complex, error: complex, spared: float) -> float:
    """Compute by how many errors the worse part of a number is farther from 0 than what is spared."""
    parts = ((abs(value.real), error.real), (abs(value.imag), error.imag))
    return max((off - spared) / each if each > 0 else 0.0 for off, each in parts)
