"""Topological susceptibility χ_Q = ⟨Q²⟩/V, the topological charge taken with mean zero, as parity has it.

Q is that of `topological_charge`, with its options.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._charge import ChargeObservable
from sqcli.stats import Combine


@dataclass(frozen=True)
class TopologicalSusceptibility(ChargeObservable):
    """Topological susceptibility χ_Q; wrong, whatever its error says, where the charge is frozen."""

    definition: ClassVar[str] = "<Q^2> / V, Q = topological charge"

    def primaries(self, series: Sequence[Array]) -> Array:
        """Squares Q², (n,)."""
        return self.charges(series) ** 2

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the mean of Q² to ⟨Q²⟩/V."""
        return lambda m: m / theory.lattice.volume
