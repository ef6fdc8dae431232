"""Correlator of the topological charge density, C(t) = Σ_x ⟨q(0, 0) q(x, t)⟩, summed over slices, by distance t.

The sum over all t is the susceptibility ⟨Q²⟩/V. In two dimensions q = (1/2π) arg U_□ of the plaquette ahead of x, of
determinants for matrices; in four it is that of the clover, as in `topological_charge`, at its `flow_time`. The
correlator runs along the last axis, or along `axis`, counted from 0. Reflection positivity makes it negative beyond the
reach of the flow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._charge import ChargeObservable
from sqcli.observables._field_strength import densities, plaquette
from sqcli.observables._flow import FlowedLinks
from sqcli.observables._flow_times import flow_times
from sqcli.observables._links import group_of


@dataclass(frozen=True)
class ChargeDensity(ChargeObservable):
    """Correlator C(t) of the charge density, t = 0 … L/2, nothing subtracted."""

    axis: int = -1
    definition: ClassVar[str] = "(1/V) sum_t0 s(t0) s(t0+t), s(t) = sum of q over the slice t of the last axis"
    needs: ClassVar[tuple[str, ...]] = ("observables/charge_density", *ChargeObservable.needs)

    def defined(self) -> str:
        """`definition` with the axis that is meant."""
        return self.definition if self.axis == -1 else self.definition.replace("the last axis", f"axis {self.axis}")

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether there is a charge, and such an axis; a correlator is made of densities that are not rounded."""
        dimension = theory.lattice.dimension
        return super().fits(field, theory) and -dimension <= self.axis < dimension and not self.rounded

    def made_of(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Name its own series, and that of the charge, which tells whether it is frozen."""
        return (self.needs[0], *super().made_of(theory))

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Distances t, up to half the extent."""
        return tuple(str(t) for t in range(theory.lattice.extents[self.axis] // 2 + 1))

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Correlator C(t) of each draw, (n, L/2 + 1)."""
        lattice = theory.lattice
        density = np.concatenate([self._density(draw, theory) for draw in np.split(fields, len(fields))])
        slices = np.moveaxis(density, 1 + self.axis % lattice.dimension, 1)
        sums = slices.reshape(*slices.shape[:2], -1).sum(axis=2)
        lags = [(sums * np.roll(sums, -t, 1)).sum(axis=1) for t in range(sums.shape[1] // 2 + 1)]
        return np.stack(lags, axis=1) / lattice.volume

    def primaries(self, series: Sequence[Array]) -> Array:
        """Correlators, (n, L/2 + 1)."""
        return series[0]

    def charges(self, series: Sequence[Array]) -> Array:
        """Charge Q of each draw, (n,)."""
        return super().charges(series[1:])

    def _density(self, fields: Array, theory: LatticeTheory) -> Array:
        """Charge density of one draw, (1, *extents)."""
        if theory.lattice.dimension == 2:
            return group_of(fields, theory.lattice).phase(plaquette(fields, theory.lattice, (0, 1))) / (2 * np.pi)
        flow = FlowedLinks(fields[0], theory.loaded, theory.lattice)
        flow.advance(self._time(theory))
        found = densities(flow.links[None], theory)[2]
        assert found is not None  # `fits` says so
        return found

    def _time(self, theory: LatticeTheory) -> float:
        """Flow time that is meant."""
        if self.flow_time != "auto":
            return self.flow_time
        return max(map(float, flow_times(self.flow_times, theory.lattice)))
