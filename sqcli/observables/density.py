"""Density of a conserved charge at chemical potential μ, n = (1/V) ∂ ln Z/∂μ = −(1/V) ⟨∂S/∂μ⟩."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import COMPLEX, Array, LatticeTheory, Observable
from sqcli.theories import ChargedField


@dataclass(frozen=True)
class Density(Observable):
    """Mean charge per site; holomorphic, so that each draw has a complex one."""

    definition: ClassVar[str] = "-(1/V) dS/dmu"
    needs: ClassVar[tuple[str, ...]] = ("observables/density",)
    on: ClassVar[tuple[str, ...]] = (COMPLEX,)

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the theory has a chemical potential."""
        return super().fits(field, theory) and isinstance(theory.loaded, ChargedField)

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Charge per site of each draw, (n,)."""
        return np.asarray(theory.loaded.density(fields, theory.lattice))
