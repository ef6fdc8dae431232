"""Mean absolute field (1/V) Σ_x ⟨|φ(x)|⟩: 2309.17082 eq. 4.12, where it goes by the name |M|."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable, flat


@dataclass(frozen=True)
class MeanAbsField(Observable):
    """Absolute value inside the sum: never an order parameter, not to be confused with `abs_magnetization`."""

    definition: ClassVar[str] = "(1/V) sum_x |phi(x)|"
    needs: ClassVar[tuple[str, ...]] = ("observables/mean_abs_field",)
    holomorphic: ClassVar[bool] = False

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Mean (1/V) Σ|φ| over the sites of each draw, (n,)."""
        return np.asarray(np.abs(flat(fields)).mean(axis=1))
