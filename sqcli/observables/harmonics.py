"""Harmonics of one variable, ⟨e^{ikx}⟩, k = 1 … 4: single-valued where x is an angle, and holomorphic."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable, flat


@dataclass(frozen=True)
class Harmonics(Observable):
    """Means of e^{ikx}, pooled over sites; complex."""

    definition: ClassVar[str] = "(1/V) sum_x exp(i k phi(x))"
    needs: ClassVar[tuple[str, ...]] = ("observables/harmonics",)
    on: ClassVar[tuple[str, ...]] = ("x", "z")
    separable: ClassVar[bool] = True

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Orders k."""
        return ("1", "2", "3", "4")

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Means (1/V) Σ e^{ikφ} over the sites of each draw, (n, 4)."""
        phase = np.exp(1j * flat(fields))
        return np.stack([(phase**k).mean(axis=1) for k in (1, 2, 3, 4)], axis=1)
