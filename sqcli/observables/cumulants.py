"""Cumulants of the local field pooled over sites, odd moments taken as zero (2410.21212; 2411.11297 §4).

With μₙ = ⟨φⁿ⟩: κ₂ = μ₂, κ₄ = μ₄ − 3μ₂², κ₆ = μ₆ − 15μ₄μ₂ + 30μ₂³,
κ₈ = μ₈ − 28μ₆μ₂ − 35μ₄² + 420μ₄μ₂² − 630μ₂⁴.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable
from sqcli.stats import Combine


def cumulants(moments: Array) -> Array:
    """Cumulants from moments, (μ₂, μ₄, μ₆, μ₈) -> (κ₂, κ₄, κ₆, κ₈)."""
    m2, m4, m6, m8 = moments
    sixth = m6 - 15 * m4 * m2 + 30 * m2**3
    eighth = m8 - 28 * m6 * m2 - 35 * m4**2 + 420 * m4 * m2**2 - 630 * m2**4
    return np.array([m2, m4 - 3 * m2**2, sixth, eighth])


@dataclass(frozen=True)
class Cumulants(Observable):
    """Cumulants κ₂, κ₄, κ₆, κ₈; flagged where ⟨φ⟩ is not zero."""

    definition: ClassVar[str] = "cumulants of phi(x) pooled over sites, odd moments taken as zero"
    needs: ClassVar[tuple[str, ...]] = ("observables/moments",)
    odd_moments_vanish: ClassVar[bool] = True

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Orders of the cumulants."""
        return ("2", "4", "6", "8")

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the four moments to their cumulants."""
        return cumulants
