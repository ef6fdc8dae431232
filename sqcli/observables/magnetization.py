"""Magnetization M = (1/V) Σ_x φ(x)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable, flat


@dataclass(frozen=True)
class Magnetization(Observable):
    """Mean ⟨M⟩; zero where φ → −φ is a symmetry and the chains respect it."""

    definition: ClassVar[str] = "M = (1/V) sum_x phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/magnetization",)
    one_component: ClassVar[bool] = True

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Magnetization M of each draw, (n,)."""
        return np.asarray(flat(fields).mean(axis=1))
