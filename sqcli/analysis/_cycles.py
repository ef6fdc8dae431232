"""Share of each integration cycle in what complex Langevin samples, for even theories of one complex variable.

Expectation values that satisfy all Schwinger–Dyson equations are sums Σ_k a_k ⟨O⟩_k over independent integration
cycles, Σ a_k = 1 (1808.05187 and references there), and bounds |⟨O⟩| ≤ C‖O‖ leave only that of the real line
(2508.14512). Taken from there: that both together decide. Derived here: the shares themselves. With cycles the
thimbles, that of z = 0 and the others, all others having the same ⟨z²⟩, the share of the latter is (⟨z²⟩ −
⟨z²⟩_0)/(⟨z²⟩_1 − ⟨z²⟩_0), and has to be Σ n_k Z_k/Z. (A bound by a finite number of observables is weaker: see
`bounds` of theories.)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sqcli import stats
from sqcli.analysis._equilibrium_flags import Z_LIMIT
from sqcli.errors import UsageError
from sqcli.stats import Chains
from sqcli.theories import missing_weight, thimble_weights, thimbles

ALIKE = 1e-9  # relative difference of ⟨z²⟩ of thimbles that are one by symmetry
SPARE = 0.002  # of the integral, that a share may be wrong by


@dataclass(frozen=True)
class Share:
    """Share of all thimbles but that of z = 0.

    Attributes:
        value: the share, with its error.
        expected: what it has to be.
        z: errors by which it is farther from that than what is spared.
        alone: whether it may be 0, the process being on the thimble of z = 0 alone.
        missing: part of ⟨z²⟩ that the others have to contribute.
    """

    value: complex
    error: complex
    expected: complex
    z: float
    alone: bool
    missing: float


def outer_share(theory: Any, squares: Chains, step_size: float) -> Share | None:
    """Estimate the share of the outer thimbles; None where there are not two kinds, or on a Stokes line.

    What a step ε does to ⟨z²⟩, about ½ε|S″| of it, is not counted.

    Args:
        theory: even theory of one complex variable.
        squares: z² of the draws, (n_i,) per chain.
        step_size: ε.
    """
    try:
        found = thimbles(theory)
        weights = thimble_weights(theory)
    except UsageError:
        return None
    means = [each.mean(lambda z: z**2) for each in found]
    outer = [mean for each, mean in zip(found, means, strict=True) if abs(each.point) > 0]
    if len(outer) == len(found) or not outer or np.ptp(np.abs(np.array(outer) / outer[0] - 1)) > ALIKE:
        return None
    inner = next(mean for each, mean in zip(found, means, strict=True) if abs(each.point) == 0)
    estimate = stats.estimate([(chain - inner) / (outer[0] - inner) for chain in squares])[0]
    if estimate.value is None or estimate.error is None:
        return None
    value, error = complex(estimate.value), complex(estimate.error)
    expected = complex(sum(w for w, each in zip(weights, found, strict=True) if abs(each.point) > 0))
    stiffest = max(abs(complex(theory.curvature(each.point))) for each in found)
    square = inner + value * (outer[0] - inner)
    spared = SPARE + 0.5 * step_size * stiffest * abs(square / (outer[0] - inner))
    off, width = abs(value - expected) - spared, max(error.real, error.imag)
    alone = abs(value) - spared <= Z_LIMIT * width
    missing = abs(expected * (outer[0] - inner) / (inner + expected * (outer[0] - inner)))
    return Share(value, error, expected, off / width if width > 0 else 0.0, alone, missing)


def left_out(theory: Any) -> float | None:
    """Weight of the thimbles that a process leaves out which stays on that of z = 0; None on a Stokes line."""
    try:
        return missing_weight(theory)
    except UsageError:
        return None
