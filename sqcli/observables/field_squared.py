"""Local field squared, (1/V) Σ_x ⟨φ(x)²⟩."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable, flat


@dataclass(frozen=True)
class FieldSquared(Observable):
    """Mean ⟨φ²⟩ without subtraction; φ², not |φ|², for complex fields.

    Where a site has several numbers their squares are averaged: ⟨φ*φ⟩ = ½⟨φ₁² + φ₂²⟩ of a complex scalar.
    """

    definition: ClassVar[str] = "(1/V) sum_x phi(x)^2"
    needs: ClassVar[tuple[str, ...]] = ("observables/field_squared",)

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Mean (1/V) Σφ² over the sites of each draw, (n,)."""
        values = flat(fields)
        return np.asarray(np.einsum("ij,ij->i", values, values) / values.shape[1])
