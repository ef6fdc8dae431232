"""Action per site, S/V."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import EVERY, Array, LatticeTheory, Observable


@dataclass(frozen=True)
class Action(Observable):
    """Mean action per site ⟨S⟩/V, from the algorithm's record where there is one."""

    definition: ClassVar[str] = "S / V"
    needs: ClassVar[tuple[str, ...]] = ("observables/action",)
    statistic: ClassVar[str | None] = "action"
    on: ClassVar[tuple[str, ...]] = EVERY

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Action per site S/V of each draw, (n,)."""
        return np.asarray(theory.loaded.action(fields, theory.lattice)) / theory.lattice.volume

    def from_statistic(self, values: Array, theory: LatticeTheory) -> Array:
        """Divide the recorded action S by the volume, (n,)."""
        return values / theory.lattice.volume
