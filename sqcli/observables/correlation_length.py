"""Second-moment correlation length ξ = √(G(0)/G(k_min) − 1)/(2 sin(π/L)), G(k) = ⟨|φ̃(k)|²⟩/V.

k_min is the smallest momentum along the longest axes, averaged over them. What G(0) is depends on the phase, and the
data do not decide it near the transition, so both are given: `symmetric` takes V⟨M²⟩, `broken` takes
V(⟨M²⟩ − ⟨|M|⟩²), which removes the disconnected part of two vacua. Each means a correlation length in its phase only:
in the symmetric phase `broken` loses 2/π of G(0), in the broken phase `symmetric` measures the volume. Finite-size
scaling at the transition conventionally uses ξ_symmetric/L.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable
from sqcli.stats import Combine


@dataclass(frozen=True)
class CorrelationLength(Observable):
    """Correlation length ξ with the disconnected part kept (`symmetric`) or removed (`broken`)."""

    definition: ClassVar[str] = "|phi~(k_min)|^2 / V, mean over the longest axes"
    needs: ClassVar[tuple[str, ...]] = ("observables/correlation_length", "observables/magnetization")
    on: ClassVar[tuple[str, ...]] = ("phi",)

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has a momentum that is not zero."""
        return super().fits(field, theory) and max(theory.lattice.extents) > 1

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Names of the phases that the estimates are meant for."""
        return ("symmetric", "broken")

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Power |φ̃(k_min)|²/V of each draw, (n,)."""
        extents = theory.lattice.extents
        longest = [axis for axis, n in enumerate(extents) if n == max(extents)]
        phase = np.exp(-2j * np.pi * np.arange(max(extents)) / max(extents))
        power = np.zeros(len(fields))
        for axis in longest:
            others = tuple(a + 1 for a in range(len(extents)) if a != axis)
            slices = fields.sum(axis=others)
            power += (slices @ phase.real) ** 2 + (slices @ phase.imag) ** 2
        return power / (len(longest) * theory.lattice.volume)

    def primaries(self, series: Sequence[Array]) -> Array:
        """Columns |φ̃(k_min)|²/V, M², |M|, (n, 3)."""
        smallest, magnetization = series
        return np.stack([smallest, magnetization**2, np.abs(magnetization)], axis=1)

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means to ξ symmetric and broken; not a number where G(0) < G(k_min)."""
        scale = 2 * math.sin(math.pi / max(theory.lattice.extents))

        def lengths(m: Array) -> Array:
            zero = theory.lattice.volume * np.array([m[1], m[1] - m[2] ** 2])
            return np.asarray(np.sqrt(zero / m[0] - 1) / scale)

        return lengths
