"""Scales of the gradient flow: t₀, where t²⟨E(t)⟩ = 0.3 (1006.4518), and w₀, where t d/dt t²⟨E(t)⟩ = 0.3 at t = w₀².

w₀ is from 1203.4469. t₀ is in units of a², w₀ in units of a. Both follow from the means at the kept flow times, between
which t²⟨E⟩ is the cubic through the two on each side, 0 at t = 0. A scale that is not reached at those times has no
value, and is flagged so: name later `flow_times`, as long as √(8t) stays below half the lattice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._cubics import Cubics
from sqcli.observables._flowed import FlowedObservable
from sqcli.stats import Combine


@dataclass(frozen=True)
class FlowScale(FlowedObservable):
    """Scales t₀ and w₀; `target` stands in place of 0.3."""

    energy: Literal["clover", "plaquette"] = "clover"
    target: float = 0.3
    undefined: ClassVar[str | None] = "not_reached"
    definition: ClassVar[str] = "t0: t^2 <E> = target; w0: t d/dt t^2 <E> = target at t = w0^2"

    def __post_init__(self) -> None:
        """Refuse what names no flow times, and a target that is reached at once."""
        super().__post_init__()
        if not self.target > 0:
            raise ValueError(f"target must be positive, not {self.target:g}")

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Names of the scales."""
        return ("t0", "w0")

    def primaries(self, series: Sequence[Array]) -> Array:
        """Columns t²E(t), (n, flow times)."""
        return self.columns(series[0], self.energy)

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means to t₀ and w₀; not a number where one is not reached."""
        times = np.array([float(label) for label in self.labels(theory)])
        order = [k for k in np.unique(times, return_index=True)[1] if times[k] > 0]
        curve = Cubics(np.array([0.0, *times[order]]))

        def scales(means: Array) -> Array:
            energies = np.array([0.0, *means[order]])
            t0, w0_squared = (find(energies, self.target) for find in (curve.reaches, curve.slope_reaches))
            return np.array([t0, np.sqrt(w0_squared)])

        return scales
