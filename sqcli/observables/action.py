"""Action per site, S/V."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import EVERY, Array, Model, Observable


@dataclass(frozen=True)
class Action(Observable):
    """⟨S⟩/V, from the algorithm's record where there is one."""

    definition: ClassVar[str] = "S / V"
    needs: ClassVar[tuple[str, ...]] = ("observables/action",)
    statistic: ClassVar[str | None] = "action"
    on: ClassVar[tuple[str, ...]] = EVERY

    def series(self, fields: Array, model: Model) -> Array:
        """S/V, (n,)."""
        return np.asarray(model.theory.action(fields, model.lattice)) / model.lattice.volume

    def from_statistic(self, values: Array, lattice: Lattice) -> Array:
        """The record holds S."""
        return values / lattice.volume
