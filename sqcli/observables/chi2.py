"""Susceptibility χ₂ = V(⟨M²⟩ − ⟨M⟩²), M = (1/V) Σ_x φ(x)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array, Observable, powers
from sqcli.stats import Combine


@dataclass(frozen=True)
class Chi2(Observable):
    """Connected by the mean of M over all chains; in a broken phase see `chi2_abs`."""

    definition: ClassVar[str] = "V (<M^2> - <M>^2), M = (1/V) sum_x phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/magnetization",)

    def primaries(self, series: Sequence[Array]) -> Array:
        """M, M²."""
        return powers(series[0], 1, 2)

    def function(self, lattice: Lattice) -> Combine:
        """V(⟨M²⟩ − ⟨M⟩²)."""
        return lambda m: lattice.volume * (m[1] - m[0] ** 2)
