"""Links in U(N) or SU(N): complex matrices that move by U ← exp(i Σ_a v_a T_a) U, with tr T_a T_b = ½ δ_ab.

A tangent vector has a number for each generator: N² − 1 traceless ones, and for U(N) the identity. N(0, 1) numbers are
then the momenta of the kinetic energy ½ Σ v_a² = tr P², P = Σ v_a T_a (Duane et al., Phys. Lett. B 195, 216, 1987).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import START, Stream, fill_normals

Array = NDArray[Any]


@dataclass(frozen=True)
class GroupLinks:
    """Matrices U_μ(x) on every link, stored as (μ, *extents, row, column); hot: Haar's measure, cold: the identity.

    Attributes:
        n: N, the dimension of the fundamental representation.
        special: whether determinants are 1.
    """

    n: int
    special: bool
    field: str = "u"
    flat: bool = False

    @property
    def name(self) -> str:
        """Name of the group."""
        return f"{'S' if self.special else ''}U({self.n})"

    @cached_property
    def generators(self) -> Array:
        """Hermitian T_a with tr T_a T_b = ½ δ_ab, (N² − 1 or N², N, N); the last one of U(N) is the identity's."""
        found = []
        for j, k in combinations(range(self.n), 2):
            for value in (0.5, -0.5j):
                matrix = np.zeros((self.n, self.n), complex)
                matrix[j, k], matrix[k, j] = value, np.conj(value)
                found.append(matrix)
        for k in range(1, self.n):
            diagonal = np.array([1.0] * k + [-k] + [0.0] * (self.n - k - 1))
            found.append(np.diag(diagonal / math.sqrt(2 * k * (k + 1))).astype(complex))
        if not self.special:
            found.append(np.eye(self.n, dtype=complex) / math.sqrt(2 * self.n))
        return np.array(found).reshape(-1, self.n, self.n)

    def stored(self, dtype: str) -> str:
        """Return the complex type of the precision `dtype`."""
        return {"float64": "complex128", "float32": "complex64"}[dtype]

    def components(self, lattice: Lattice) -> int:
        """Count real and imaginary parts of the matrices of a site."""
        return 2 * self.n**2 * lattice.dimension

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration: (D, *extents, N, N)."""
        return (lattice.dimension, *lattice.extents, self.n, self.n)

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes: mu, those of the lattice, row and col."""
        return ("mu", *lattice.axes, "row", "col")

    def tangent(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of a tangent vector: (D, generators, *extents)."""
        return (lattice.dimension, len(self.generators), *lattice.extents)

    def planes(self, fields: Array, lattice: Lattice) -> Array:
        """Lay links out as real planes (n, D·2N², *extents), by μ, row, column, then real and imaginary part."""
        parts = np.stack([fields.real, fields.imag], axis=-1)  # (n, mu, *extents, row, col, part)
        ordered = np.moveaxis(parts, (-3, -2, -1), (2, 3, 4))
        return np.ascontiguousarray(ordered).reshape(len(fields), -1, *lattice.extents)

    def from_planes(self, planes: Array, lattice: Lattice) -> Array:
        """Take links (n, D, *extents, N, N) back from real planes."""
        shape = (len(planes), lattice.dimension, self.n, self.n, 2, *lattice.extents)
        parts = np.moveaxis(planes.reshape(shape), (2, 3, 4), (-3, -2, -1))
        links = np.empty(parts.shape[:-1], self.stored(str(planes.dtype)))
        links.real, links.imag = parts[..., 0], parts[..., 1]
        return links

    def move(self, fields: Array, tangents: Array) -> Array:
        """Multiply every link by exp(i Σ_a v_a T_a) from the left."""
        algebra = np.einsum("nma...,aij->nm...ij", tangents, self.generators)
        phases, vectors = np.linalg.eigh(algebra)
        turned = (vectors * np.exp(1j * phases)[..., None, :]) @ vectors.conj().swapaxes(-1, -2)
        return np.asarray(turned @ fields).astype(fields.dtype, copy=False)

    def distance(self, one: Array, other: Array) -> float:
        """Largest distance √(tr (U − U′)(U − U′)†) of two links."""
        return float(np.linalg.norm(one - other, axis=(-2, -1)).max())

    def project(self, fields: Array) -> Array:
        """Return the nearest matrices of the group: unitary factors, for SU(N) without their determinants.

        What holds no numbers becomes no numbers.
        """
        known = np.isfinite(fields).all(axis=(-2, -1), keepdims=True)
        left, _, right = np.linalg.svd(np.where(known, fields, 0))
        unitary = np.where(known, left @ right, np.nan)
        if self.special:
            phase = np.angle(np.linalg.det(unitary)) / self.n
            unitary = unitary * np.exp(-1j * phase)[..., None, None]
        return np.asarray(unitary).astype(fields.dtype, copy=False)

    def hot(self, lattice: Lattice, stream: Stream) -> Array:
        """Draw links by Haar's measure: unitary factors of Gaussian matrices, made unique (math-ph/0609050)."""
        values = np.empty(self.components(lattice) * lattice.volume)
        fill_normals("float64")(values, 0, START, stream.key)
        pairs = values.reshape(*self.site(lattice), 2)
        q, r = np.linalg.qr(pairs[..., 0] + 1j * pairs[..., 1])
        diagonal = np.diagonal(r, axis1=-2, axis2=-1)
        unitary = q * (diagonal / np.abs(diagonal))[..., None, :]
        if not self.special:
            return np.asarray(unitary)
        return np.asarray(unitary * np.linalg.det(unitary)[..., None, None] ** (-1 / self.n))

    def cold(self, lattice: Lattice) -> Array:
        """Make all links the identity."""
        return np.broadcast_to(np.eye(self.n, dtype=complex), self.site(lattice)).copy()
