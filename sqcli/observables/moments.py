"""Even moments of the local field, ⟨φⁿ⟩ pooled over sites, n = 2, 4, 6, 8."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable, flat


@dataclass(frozen=True)
class Moments(Observable):
    """Moments of the field as it is, not centred; for complex fields the holomorphic φⁿ."""

    definition: ClassVar[str] = "(1/V) sum_x phi(x)^n"
    needs: ClassVar[tuple[str, ...]] = ("observables/moments",)
    separable: ClassVar[bool] = True

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Powers n."""
        return ("2", "4", "6", "8")

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Means (1/V) Σφⁿ over the sites of each draw, (n, 4)."""
        square = flat(fields) ** 2
        fourth = square * square
        pairs = ((square, None), (fourth, None), (square, fourth), (fourth, fourth))
        sums = [a.sum(axis=1) if b is None else np.einsum("ij,ij->i", a, b) for a, b in pairs]
        return np.asarray(np.stack(sums, axis=1) / square.shape[1])
