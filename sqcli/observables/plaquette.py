"""Mean plaquette of a gauge theory: (1/V) Σ_□ cos θ_□ for U(1) in two dimensions."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable, flat


@dataclass(frozen=True)
class Plaquette(Observable):
    """Mean ⟨cos θ_□⟩, averaged over all plaquettes."""

    definition: ClassVar[str] = "mean of cos theta_p over all plaquettes"
    needs: ClassVar[tuple[str, ...]] = ("observables/plaquette",)
    on: ClassVar[tuple[str, ...]] = ("theta",)

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Mean of cos θ_□, (n,)."""
        return np.asarray(np.cos(flat(theory.loaded.plaquettes(fields, theory.lattice))).mean(axis=1))
