"""Susceptibility of the broken phase, V(⟨M²⟩ − ⟨|M|⟩²): it does not count jumps between the vacua."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable, powers
from sqcli.stats import Combine


@dataclass(frozen=True)
class Chi2Abs(Observable):
    """Susceptibility of the broken phase; deep in the symmetric one it is (1 − 2/π) χ₂."""

    definition: ClassVar[str] = "V (<M^2> - <|M|>^2), M = (1/V) sum_x phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/magnetization",)
    holomorphic: ClassVar[bool] = False

    def primaries(self, series: Sequence[Array]) -> Array:
        """Columns |M|, M², (n, 2)."""
        return powers(np.abs(series[0]), 1, 2)

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means of |M|, M² to V(⟨M²⟩ − ⟨|M|⟩²)."""
        return lambda m: theory.lattice.volume * (m[1] - m[0] ** 2)
