"""Square of the drift, (1/V) Σ (∂S/∂z)², holomorphic: its mean is ⟨∂²S/∂z²⟩, and ε times it what a step ε does."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import COMPLEX, Array, LatticeTheory, Observable


@dataclass(frozen=True)
class DriftSquared(Observable):
    """Mean of (∂S/∂z)², not of its absolute value, pooled over sites and components."""

    definition: ClassVar[str] = "(1/V) sum_x (dS/dz)^2"
    needs: ClassVar[tuple[str, ...]] = ("observables/drift_squared",)
    on: ClassVar[tuple[str, ...]] = (COMPLEX,)

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Mean over the sites of each draw, (n,)."""
        drift = np.asarray(theory.loaded.drift(fields, theory.lattice))
        return np.asarray((drift**2).reshape(len(fields), -1).mean(axis=1))
