"""Ratios of cumulants of the local field, free of its scale: κ₄/κ₂², κ₆/κ₂³, κ₈/κ₂⁴.

The field of the published table (2410.21212) is rescaled; these ratios are not. Cumulants as in `cumulants`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable
from sqcli.observables.cumulants import cumulants
from sqcli.stats import Combine


def ratios(moments: Array) -> Array:
    """Ratios of cumulants from moments, (μ₂, μ₄, μ₆, μ₈) -> (κ₄/κ₂², κ₆/κ₂³, κ₈/κ₂⁴)."""
    second, *higher = cumulants(moments)
    return np.asarray(np.array(higher) / second ** np.array([2, 3, 4]))


@dataclass(frozen=True)
class CumulantRatios(Observable):
    """Ratios κ₂ₙ/κ₂ⁿ; −2, 16, −272 for a field of two fixed values; flagged where ⟨φ⟩ is not zero."""

    definition: ClassVar[str] = "kappa_2n / kappa_2^n of phi(x) pooled over sites, odd moments taken as zero"
    needs: ClassVar[tuple[str, ...]] = ("observables/moments",)
    odd_moments_vanish: ClassVar[bool] = True

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Orders of the numerators."""
        return ("4", "6", "8")

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the four moments to their ratios of cumulants."""
        return ratios
