"""Polyakov loop ⟨|P|⟩, P = (1/V_⊥) Σ_x p(x), p(x) = tr/N of the product of all links along the last axis at x.

It is the order parameter of confinement at finite temperature (Polyakov, 1978): P itself averages to zero by the
symmetry of the centre, its modulus tells the phases apart. `axis` takes another axis as time, counted from 0.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._polyakov import PolyakovObservable


@dataclass(frozen=True)
class PolyakovLoop(PolyakovObservable):
    """Modulus of the spatial mean of Polyakov loops."""

    definition: ClassVar[str] = "|mean over x of p(x)|, p = tr / N of the product of links along the last axis"
    needs: ClassVar[tuple[str, ...]] = ("observables/polyakov_loop",)

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Modulus |P| of each draw, (n,)."""
        traces = self.traces(fields, theory)
        return np.asarray(np.abs(traces.reshape(len(fields), -1).mean(axis=1)))
