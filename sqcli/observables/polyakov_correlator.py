"""Correlator of Polyakov loops C(r) = ⟨Re p(0)* p(r)⟩, r along the first axis that is not their own.

It is e^{−F(r)/T} with the free energy F of a static quark and antiquark at distance r (McLerran and Svetitsky, Phys.
Rev. D 24, 450, 1981). p(x) = tr/N of the product of all links along the last axis, or along `axis`, counted from 0.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._polyakov import PolyakovObservable


@dataclass(frozen=True)
class PolyakovCorrelator(PolyakovObservable):
    """Correlator C(r) of Polyakov loops, r = 0 … L/2, averaged over all points, nothing subtracted."""

    definition: ClassVar[str] = (
        "mean over x of Re p(x)* p(x + r), r along the first other axis, "
        "p = tr / N of the product of links along the last axis"
    )
    needs: ClassVar[tuple[str, ...]] = ("observables/polyakov_correlator",)
    separable: ClassVar[bool] = True

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Distances r, up to half the extent."""
        lattice = theory.lattice
        first = 1 if self.axis % lattice.dimension == 0 else 0
        return tuple(str(r) for r in range(lattice.extents[first] // 2 + 1))

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Correlator C(r) of each draw, (n, L/2 + 1)."""
        traces = self.traces(fields, theory)
        rows = traces.reshape(*traces.shape[:2], -1)
        lags = [(rows.conj() * np.roll(rows, -r, 1)).real.mean(axis=(1, 2)) for r in range(rows.shape[1] // 2 + 1)]
        return np.stack(lags, axis=1)
