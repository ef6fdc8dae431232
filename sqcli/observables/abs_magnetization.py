"""Absolute magnetization ⟨|M|⟩, M = (1/V) Σ_x φ(x); the order parameter on a finite lattice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, Observable


@dataclass(frozen=True)
class AbsMagnetization(Observable):
    """Order parameter ⟨|M|⟩, not to be confused with `mean_abs_field`."""

    definition: ClassVar[str] = "<|M|>, M = (1/V) sum_x phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/magnetization",)
    holomorphic: ClassVar[bool] = False

    def primaries(self, series: Sequence[Array]) -> Array:
        """Absolute value |M| of each draw, (n,)."""
        return np.abs(series[0])
