"""Susceptibility of the broken phase, V(⟨M²⟩ − ⟨|M|⟩²): it does not count jumps between the vacua."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array, Observable, powers
from sqcli.stats import Combine


@dataclass(frozen=True)
class Chi2Abs(Observable):
    """Deep in the symmetric phase it is (1 − 2/π) χ₂."""

    definition: ClassVar[str] = "V (<M^2> - <|M|>^2), M = (1/V) sum_x phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/magnetization",)

    def primaries(self, series: Sequence[Array]) -> Array:
        """|M|, M²."""
        return powers(np.abs(series[0]), 1, 2)

    def function(self, lattice: Lattice) -> Combine:
        """V(⟨M²⟩ − ⟨|M|⟩²)."""
        return lambda m: lattice.volume * (m[1] - m[0] ** 2)
