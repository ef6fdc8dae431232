"""Manifolds that fields live on: name on disk, shape of one site, period (0: none), and how a chain starts.

An algorithm draws Gaussian momenta in the tangent space and never asks which manifold it is on; the theory's own
kernel moves the field along it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import START, Stream, fill_normals, fill_uniforms


@dataclass(frozen=True)
class RealField:
    """Field φ(x) in ℝ at every site; hot: N(0, 1), cold: φ = 1."""

    name: str = "R"
    field: str = "phi"
    period: float = 0.0

    def components(self, lattice: Lattice) -> int:
        """Numbers per site."""
        return 1

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration."""
        return lattice.extents

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes."""
        return lattice.axes

    def hot(self, lattice: Lattice, stream: Stream) -> NDArray[np.float64]:
        """Draw a start of independent N(0, 1)."""
        values = np.empty(lattice.volume)
        fill_normals("float64")(values, 0, START, stream.key)
        return values.reshape(lattice.extents)

    def cold(self, lattice: Lattice) -> NDArray[np.float64]:
        """Make the ordered start, φ = 1."""
        return np.ones(lattice.extents)


@dataclass(frozen=True)
class AngleLinks:
    """Angles θ_μ(x) in (−π, π] on every link; hot: uniform, cold: θ = 0."""

    name: str = "U(1)"
    field: str = "theta"
    period: float = 2 * math.pi

    def components(self, lattice: Lattice) -> int:
        """Links per site."""
        return lattice.dimension

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration: (D, *extents)."""
        return (lattice.dimension, *lattice.extents)

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes."""
        return ("mu", *lattice.axes)

    def hot(self, lattice: Lattice, stream: Stream) -> NDArray[np.float64]:
        """Draw a start of independent uniform angles."""
        values = np.empty(lattice.dimension * lattice.volume)
        fill_uniforms("float64")(values, 0, START, stream.key)
        return math.pi - 2 * math.pi * values.reshape(self.site(lattice))

    def cold(self, lattice: Lattice) -> NDArray[np.float64]:
        """Make the ordered start, all links the identity."""
        return np.zeros(self.site(lattice))


Manifold = RealField | AngleLinks
