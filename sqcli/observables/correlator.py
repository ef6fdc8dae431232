"""Time-slice correlator C(t) = (1/L) Σ_{t₀} ⟨φ̄(t₀) φ̄(t₀+t)⟩, φ̄(t) the mean over the slice t of the last axis."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array, Model, Observable


def slice_means(fields: Array) -> Array:
    """φ̄, (n, *extents) -> (n, L)."""
    return np.asarray(fields.mean(axis=tuple(range(1, fields.ndim - 1)))) if fields.ndim > 2 else fields


@dataclass(frozen=True)
class Correlator(Observable):
    """C(t), t = 0 … L/2, nothing subtracted."""

    definition: ClassVar[str] = "(1/L) sum_t0 s(t0) s(t0+t), s(t) = mean of phi over the slice t of the last axis"
    needs: ClassVar[tuple[str, ...]] = ("observables/correlator",)
    separable: ClassVar[bool] = True

    def components(self, lattice: Lattice) -> tuple[str, ...]:
        """The distance t."""
        return tuple(str(t) for t in range(lattice.extents[-1] // 2 + 1))

    def series(self, fields: Array, model: Model) -> Array:
        """C(t) of each draw, (n, L/2 + 1)."""
        means = slice_means(fields)
        length = means.shape[1]
        lags = [np.einsum("ij,ij->i", means, np.roll(means, -t, axis=1)) for t in range(length // 2 + 1)]
        return np.asarray(np.stack(lags, axis=1) / length)
