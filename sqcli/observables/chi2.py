"""Susceptibility χ₂ = V(⟨M²⟩ − ⟨M⟩²), M = (1/V) Σ_x φ(x)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import Array, LatticeTheory, Observable, powers
from sqcli.stats import Combine


@dataclass(frozen=True)
class Chi2(Observable):
    """Susceptibility with the mean of M over all chains taken out; in a broken phase see `chi2_abs`."""

    definition: ClassVar[str] = "V (<M^2> - <M>^2), M = (1/V) sum_x phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/magnetization",)
    one_component: ClassVar[bool] = True

    def primaries(self, series: Sequence[Array]) -> Array:
        """Columns M, M², (n, 2)."""
        return powers(series[0], 1, 2)

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means of M, M² to V(⟨M²⟩ − ⟨M⟩²)."""
        return lambda m: theory.lattice.volume * (m[1] - m[0] ** 2)
