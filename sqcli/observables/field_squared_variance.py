"""Variance of the local field squared, ⟨φ⁴⟩ − ⟨φ²⟩² pooled over sites: the connected ⟨φ⁴⟩ of 2411.11297 eq. 43."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import LatticeTheory, Observable
from sqcli.stats import Combine


@dataclass(frozen=True)
class FieldSquaredVariance(Observable):
    """Variance of φ(x)²; not the fourth cumulant, which is ⟨φ⁴⟩ − 3⟨φ²⟩²."""

    definition: ClassVar[str] = "< phi(x)^4 > - < phi(x)^2 >^2 pooled over sites"
    needs: ClassVar[tuple[str, ...]] = ("observables/moments",)

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the moments μ₂, μ₄, … to μ₄ − μ₂²."""
        return lambda m: m[1] - m[0] ** 2
