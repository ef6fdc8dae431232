"""Topological charge Q: geometric in two dimensions, of the clover along the gradient flow in four.

U(1) and U(N) in two dimensions: Q = (1/2π) Σ_□ arg det U_□ with arg in (−π, π], an integer. These angles of a torus sum
to zero up to multiples of 2π (Lüscher, Commun. Math. Phys. 85, 39, 1982, for this geometric definition). SU(N) in four
dimensions: Q(t) = (1/32π²) Σ_x ε_μνρσ tr F_μν F_ρσ of the clover at `flow_time` t, which approaches integers as the
flow smooths the field; `auto` is about L²/32, where √(8t) = L/2. `rounded=true` takes the nearest integer. A time
that stands in the list `flow_times` is read from the series kept for that list. Algorithms that move by small steps
change Q the more rarely, the larger β.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._charge import ChargeObservable


@dataclass(frozen=True)
class TopologicalCharge(ChargeObservable):
    """Topological charge Q; its mean is zero by parity."""

    definition: ClassVar[str] = "(1/2pi) sum_p arg det U_p, arg in (-pi, pi]"

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Geometric charge Q of each draw in two dimensions, (n,) whole numbers."""
        return np.asarray(theory.loaded.charge(fields, theory.lattice))

    def primaries(self, series: Sequence[Array]) -> Array:
        """Charge of each draw, (n,)."""
        return self.charges(series)
