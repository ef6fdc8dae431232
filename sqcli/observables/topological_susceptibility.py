"""Topological susceptibility χ_Q = ⟨Q²⟩/V, the topological charge taken with mean zero, as parity has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import Array, LatticeTheory, Observable
from sqcli.observables.topological_charge import TopologicalCharge
from sqcli.stats import Combine


@dataclass(frozen=True)
class TopologicalSusceptibility(Observable):
    """Topological susceptibility χ_Q; wrong, whatever its error says, where the charge is frozen."""

    definition: ClassVar[str] = "<Q^2> / V, Q = topological charge"
    needs: ClassVar[tuple[str, ...]] = ("observables/topological_charge",)
    on: ClassVar[tuple[str, ...]] = TopologicalCharge.on

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether there is a charge."""
        return TopologicalCharge().fits(field, theory)

    def primaries(self, series: Sequence[Array]) -> Array:
        """Squares Q², (n,)."""
        return series[0] ** 2

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the mean of Q² to ⟨Q²⟩/V."""
        return lambda m: m / theory.lattice.volume
