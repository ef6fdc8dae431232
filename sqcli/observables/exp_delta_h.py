"""⟨e^{−ΔH}⟩ of molecular dynamics, exactly 1 in equilibrium for a reversible, area-preserving integrator.

Creutz, Phys. Rev. D 38, 1228 (1988).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import EVERY, Array, Observable


@dataclass(frozen=True)
class ExpDeltaH(Observable):
    """Mean of e^{−ΔH}, which must be 1; a trajectory that diverged to NaN counts as ΔH = ∞."""

    definition: ClassVar[str] = "exp(-delta_h) of the last trajectory before a draw"
    needs: ClassVar[tuple[str, ...]] = ("sample_stats/delta_h",)
    on: ClassVar[tuple[str, ...]] = EVERY
    reweighted: ClassVar[bool] = False

    def primaries(self, series: Sequence[Array]) -> Array:
        """Factor e^{−ΔH} of each draw, (n,)."""
        with np.errstate(over="ignore"):
            return np.exp(-np.where(np.isnan(series[0]), np.inf, series[0]))
