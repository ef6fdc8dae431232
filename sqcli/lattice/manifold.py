"""Manifolds that fields live on: storage, layout in the kernels, moves along tangent vectors, distances, first fields.

An algorithm never asks which manifold it is on. It draws tangent vectors with N(0, 1) numbers, and a theory's kernels
move the field along them; `move` is the same motion for whole arrays, by which tests hold every theory's drift to the
derivative of its action. Kernels see real numbers only: `planes` lays a field out for them, and back again.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import START, Stream, fill_normals, fill_uniforms

Array = NDArray[Any]


class Manifold(Protocol):
    """Where a field lives; fields are arrays (n, *site), tangent vectors (n, *tangent)."""

    @property
    def name(self) -> str:
        """Name of the manifold of one site or link, such as U(1)."""

    @property
    def field(self) -> str:
        """Name of the array in ensembles."""

    @property
    def flat(self) -> bool:
        """Whether it is ℝ at every site, a linear space."""

    def stored(self, dtype: str) -> str:
        """Name the type of a configuration's numbers where kernels compute in `dtype` (float64 or float32)."""

    def components(self, lattice: Lattice) -> int:
        """Count the real numbers per site that the kernels see of a field."""

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration."""

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes."""

    def tangent(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one tangent vector, a momentum or a drift; its last axes are the lattice's."""

    def planes(self, fields: Array, lattice: Lattice) -> Array:
        """Lay fields (n, *site) out as the kernels see them, (n, components, *extents), real."""

    def from_planes(self, planes: Array, lattice: Lattice) -> Array:
        """Take fields (n, *site) back from `planes`."""

    def move(self, fields: Array, tangents: Array) -> Array:
        """Move fields along tangent vectors for unit time: the exponential map."""

    def distance(self, one: Array, other: Array) -> float:
        """Largest distance, over all sites, of two fields of one shape."""

    def project(self, fields: Array) -> Array:
        """Bring fields that rounding has moved off the manifold back to the nearest point of it."""

    def hot(self, lattice: Lattice, stream: Stream) -> Array:
        """Draw a first configuration at random, each site by itself."""

    def cold(self, lattice: Lattice) -> Array:
        """Make the ordered first configuration."""


def computing_dtype(stored: str) -> str:
    """Name the type in which kernels compute for fields whose numbers are stored as `stored`."""
    return {"complex128": "float64", "complex64": "float32"}.get(stored, stored)


@dataclass(frozen=True)
class _Numbers:
    """A field of real numbers, laid out for the kernels as it is stored."""

    def stored(self, dtype: str) -> str:
        """Return the type in which kernels compute."""
        return dtype

    def planes(self, fields: Array, lattice: Lattice) -> Array:
        """Give every site its components, (n, components, *extents)."""
        return fields.reshape(len(fields), -1, *lattice.extents)

    def from_planes(self, planes: Array, lattice: Lattice) -> Array:
        """Take the components as (n, *site)."""
        return planes.reshape(len(planes), *self.site(lattice))

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration, that of the lattice."""
        return lattice.extents

    def tangent(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of a tangent vector, one number for each of the field's."""
        return self.site(lattice)


@dataclass(frozen=True)
class RealField(_Numbers):
    """Field φ(x) in ℝ at every site; hot: N(0, 1), cold: φ = 1."""

    name: str = "R"
    field: str = "phi"
    flat: bool = True

    def components(self, lattice: Lattice) -> int:
        """Return 1, the number per site."""
        return 1

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes, those of the lattice."""
        return lattice.axes

    def move(self, fields: Array, tangents: Array) -> Array:
        """Return φ + v."""
        return np.asarray(fields + tangents)

    def distance(self, one: Array, other: Array) -> float:
        """Largest |φ − φ′|."""
        return float(np.abs(one.astype(np.float64) - other).max())

    def project(self, fields: Array) -> Array:
        """Return the fields: every real number is one."""
        return fields

    def hot(self, lattice: Lattice, stream: Stream) -> NDArray[np.float64]:
        """Draw a start of independent N(0, 1)."""
        values = np.empty(lattice.volume)
        fill_normals("float64")(values, 0, START, stream.key)
        return values.reshape(lattice.extents)

    def cold(self, lattice: Lattice) -> NDArray[np.float64]:
        """Make the ordered start, φ = 1."""
        return np.ones(lattice.extents)


@dataclass(frozen=True)
class AngleLinks(_Numbers):
    """Angles θ_μ(x) in (−π, π] on every link; hot: uniform, cold: θ = 0."""

    name: str = "U(1)"
    field: str = "theta"
    flat: bool = False

    def components(self, lattice: Lattice) -> int:
        """Links per site."""
        return lattice.dimension

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration: (D, *extents)."""
        return (lattice.dimension, *lattice.extents)

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes: mu, then those of the lattice."""
        return ("mu", *lattice.axes)

    def move(self, fields: Array, tangents: Array) -> Array:
        """Turn every angle, and bring it into (−π, π]."""
        return self.project(np.asarray(fields + tangents))

    def distance(self, one: Array, other: Array) -> float:
        """Largest distance on the circle."""
        return float(np.abs(self.project(one.astype(np.float64) - other)).max())

    def project(self, fields: Array) -> Array:
        """Bring angles into (−π, π]."""
        turn = 2 * math.pi
        return np.asarray(fields - turn * np.ceil(fields / turn - 0.5))

    def hot(self, lattice: Lattice, stream: Stream) -> NDArray[np.float64]:
        """Draw a start of independent uniform angles."""
        values = np.empty(lattice.dimension * lattice.volume)
        fill_uniforms("float64")(values, 0, START, stream.key)
        return math.pi - 2 * math.pi * values.reshape(self.site(lattice))

    def cold(self, lattice: Lattice) -> NDArray[np.float64]:
        """Make the ordered start, all links the identity."""
        return np.zeros(self.site(lattice))
