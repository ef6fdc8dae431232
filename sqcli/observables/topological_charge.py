"""Topological charge of U(1) in two dimensions, Q = (1/2π) Σ_□ arg U_□ with arg in (−π, π]: an integer.

The plaquette angles of a torus sum to zero up to multiples of 2π (Lüscher, Commun. Math. Phys. 85, 39, 1982, for this
geometric definition). Algorithms that move by small steps change Q the more rarely, the larger β.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable


@dataclass(frozen=True)
class TopologicalCharge(Observable):
    """Topological charge Q; its mean is zero by parity."""

    definition: ClassVar[str] = "(1/2pi) sum_p arg U_p, arg in (-pi, pi]"
    needs: ClassVar[tuple[str, ...]] = ("observables/topological_charge",)
    on: ClassVar[tuple[str, ...]] = ("theta",)

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has two dimensions, in which angles have a charge."""
        return super().fits(field, theory) and theory.lattice.dimension == 2

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Charge Q of each draw, (n,) whole numbers."""
        return np.asarray(theory.loaded.charge(fields, theory.lattice))
