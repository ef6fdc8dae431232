"""Steps down the gradient of S̃ = 2 Σ_□ Re tr(1 − U_□), taken by a theory's own kernel of molecular dynamics."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array


class FlowKernel:
    """Kicks and moves of links, in the padded layout of the kernels."""

    def __init__(self, theory: Any, lattice: Lattice) -> None:
        """Load the kernel of the loaded `theory`, with the coupling of S̃."""
        self.manifold, self.lattice = theory.manifold, lattice
        width = math.prod(theory.manifold.tangent(lattice)) // lattice.volume
        self.generators, self.momentum_size = width // lattice.dimension, width * lattice.padded_volume
        geometry = lattice.geometry(theory.manifold.components(lattice), width)
        self._tables, self._flow = (geometry, couplings(theory, lattice)), theory.flow("float64")

    def padded(self, links: Array) -> Array:
        """Lay out the links (*site) of one configuration."""
        return self.lattice.padded(self.manifold.planes(links[None], self.lattice)[0]).astype(np.float64)

    def links(self, padded: Array) -> Array:
        """Take links (*site) back from their layout."""
        return np.asarray(self.manifold.from_planes(self.lattice.inner(padded)[None], self.lattice)[0])

    def step(self, before: Array, after: Array, momentum: Array, kick: float, drift: float) -> None:
        """Compute p ← p − kick ∂S̃ in place, and `after` = exp(i drift Σ p_a T_a) `before`."""
        self._flow(before, after, after, momentum, *self._tables, np.array([kick]), np.array([drift]), 1.0)


def couplings(theory: Any, lattice: Lattice) -> Array:
    """Numbers with which the kernels of `theory` compute S̃: for matrices β = 2N, for angles β = 1."""
    unit = 2.0 * theory.n if hasattr(theory, "n") else 1.0
    return np.asarray(replace(theory, beta=unit).couplings(lattice))
