"""Connected time-slice correlator C(t) − ⟨M⟩²."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array, Observable
from sqcli.stats import Combine


@dataclass(frozen=True)
class CorrelatorConnected(Observable):
    """⟨M⟩ is the mean over all chains: in a broken phase whose vacua are both visited nothing is subtracted."""

    definition: ClassVar[str] = "C(t) - <M>^2"
    needs: ClassVar[tuple[str, ...]] = ("observables/correlator", "observables/magnetization")
    separable: ClassVar[bool] = True

    def components(self, lattice: Lattice) -> tuple[str, ...]:
        """The distance t."""
        return tuple(str(t) for t in range(lattice.extents[-1] // 2 + 1))

    def primaries(self, series: Sequence[Array]) -> Array:
        """C(0), …, C(L/2), M."""
        return np.column_stack(series)

    def function(self, lattice: Lattice) -> Combine:
        """C(t) − ⟨M⟩²."""
        return lambda m: m[:-1] - m[-1] ** 2
