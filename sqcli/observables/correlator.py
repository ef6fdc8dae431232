"""Time-slice correlator C(t) = (1/L) Σ_{t₀} ⟨φ̄(t₀) φ̄(t₀+t)⟩, φ̄(t) the mean over the slice t of the last axis.

`axis` takes another axis as time, counted from 0. Where all extents are equal, all axes have one expectation value.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable


def _slice_means(fields: Array, axis: int = -1) -> Array:
    """Means φ̄ over the slices of `axis`, (n, *extents) -> (n, L)."""
    others = tuple(1 + other for other in range(fields.ndim - 1) if other != axis % (fields.ndim - 1))
    return np.asarray(fields.mean(axis=others)) if others else fields


@dataclass(frozen=True)
class Correlator(Observable):
    """Correlator C(t), t = 0 … L/2, nothing subtracted."""

    axis: int = -1
    definition: ClassVar[str] = "(1/L) sum_t0 s(t0) s(t0+t), s(t) = mean of phi over the slice t of the last axis"
    needs: ClassVar[tuple[str, ...]] = ("observables/correlator",)
    one_component: ClassVar[bool] = True
    separable: ClassVar[bool] = True

    def defined(self) -> str:
        """`definition` with the axis that is meant."""
        return self.definition if self.axis == -1 else self.definition.replace("the last axis", f"axis {self.axis}")

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has such an axis."""
        dimension = len(theory.lattice.extents)
        return super().fits(field, theory) and -dimension <= self.axis < dimension

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Distances t, up to half the extent."""
        return tuple(str(t) for t in range(theory.lattice.extents[self.axis] // 2 + 1))

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Correlator C(t) of each draw, (n, L/2 + 1)."""
        means = _slice_means(fields, self.axis)
        length = means.shape[1]
        lags = [np.einsum("ij,ij->i", means, np.roll(means, -t, axis=1)) for t in range(length // 2 + 1)]
        return np.asarray(np.stack(lags, axis=1) / length)
