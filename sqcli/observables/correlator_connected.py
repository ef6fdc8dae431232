"""Connected time-slice correlator C(t) − ⟨M⟩²; `axis` is that of `correlator`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable
from sqcli.observables.correlator import Correlator
from sqcli.stats import Combine


@dataclass(frozen=True)
class CorrelatorConnected(Observable):
    """Correlator less ⟨M⟩², the mean over all chains: where both vacua are visited nothing is subtracted."""

    axis: int = -1
    definition: ClassVar[str] = "C(t) - <M>^2"
    needs: ClassVar[tuple[str, ...]] = ("observables/correlator", "observables/magnetization")
    separable: ClassVar[bool] = True

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has such an axis."""
        return Correlator(self.axis).fits(field, theory)

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Distances t."""
        return Correlator(self.axis).components(theory)

    def handed_on(self) -> Mapping[str, Any]:
        """The axis, for the correlator."""
        return {"axis": self.axis}

    def primaries(self, series: Sequence[Array]) -> Array:
        """Columns C(0), …, C(L/2), M, (n, L/2 + 2)."""
        return np.column_stack(series)

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means to C(t) − ⟨M⟩²."""
        return lambda m: m[:-1] - m[-1] ** 2
