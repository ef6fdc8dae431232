"""Binder cumulant U_L = 1 − ⟨M⁴⟩/(3⟨M²⟩²): 0 for a Gaussian M, 2/3 deep in the broken phase (Binder, 1981)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import Array, LatticeTheory, Observable, powers
from sqcli.stats import Combine


@dataclass(frozen=True)
class Binder(Observable):
    """Binder cumulant of M that is not centred: ⟨M⟩ = 0 by symmetry."""

    definition: ClassVar[str] = "1 - <M^4> / (3 <M^2>^2), M = (1/V) sum_x phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/magnetization",)
    one_component: ClassVar[bool] = True

    def primaries(self, series: Sequence[Array]) -> Array:
        """Columns M², M⁴, (n, 2)."""
        return powers(series[0], 2, 4)

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means of M², M⁴ to 1 − ⟨M⁴⟩/(3⟨M²⟩²)."""
        return lambda m: 1 - m[1] / (3 * m[0] ** 2)
