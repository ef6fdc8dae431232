"""Manifold of complex Langevin dynamics: complex numbers at every site, where real fields move off the real axis.

Kernels see the real and imaginary part of the first, then of the next; a tangent vector has the same, and z moves to
z + v₁ + i v₂.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import START, Stream, fill_normals

Array = NDArray[Any]


@dataclass(frozen=True)
class ComplexField:
    """Field z(x) in ℂ at every site, or several such; hot: real parts N(0, 1), cold: z = 1.

    Attributes:
        period: real parts are brought into (−period/2, period/2]; 0: they are not.
        count: complex numbers per site; more than one are the first axis of a configuration.
    """

    period: float = 0.0
    count: int = 1
    name: str = "C"
    field: str = "z"
    flat: bool = False

    def stored(self, dtype: str) -> str:
        """Return the complex type of the precision `dtype`."""
        return {"float64": "complex128", "float32": "complex64"}[dtype]

    def components(self, lattice: Lattice) -> int:
        """Count real and imaginary parts."""
        return 2 * self.count

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration, (*extents) or (count, *extents)."""
        return lattice.extents if self.count == 1 else (self.count, *lattice.extents)

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes."""
        return lattice.axes if self.count == 1 else ("component", *lattice.axes)

    def tangent(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of a tangent vector: real and imaginary parts, (2·count, *extents)."""
        return (2 * self.count, *lattice.extents)

    def planes(self, fields: Array, lattice: Lattice) -> Array:
        """Lay real and imaginary parts out, (n, 2·count, *extents)."""
        values = fields.reshape(len(fields), self.count, *lattice.extents)
        return np.stack([values.real, values.imag], axis=2).reshape(len(fields), -1, *lattice.extents)

    def from_planes(self, planes: Array, lattice: Lattice) -> Array:
        """Take fields (n, *site) back."""
        pairs = planes.reshape(len(planes), self.count, 2, *lattice.extents)
        fields = np.empty((len(planes), self.count, *lattice.extents), self.stored(str(planes.dtype)))
        fields.real, fields.imag = pairs[:, :, 0], pairs[:, :, 1]
        return fields.reshape(len(planes), *self.site(lattice))

    def move(self, fields: Array, tangents: Array) -> Array:
        """Return z + v₁ + i v₂."""
        moves = tangents[:, 0::2] + 1j * tangents[:, 1::2]
        return self.project(np.asarray(fields + moves.reshape(fields.shape)))

    def distance(self, one: Array, other: Array) -> float:
        """Largest |z − z′|, around the circle where there is a period."""
        return float(np.abs(self.project(one.astype(np.complex128) - other)).max())

    def project(self, fields: Array) -> Array:
        """Bring real parts into one period."""
        if not self.period:
            return fields
        return np.asarray(fields - self.period * np.ceil(fields.real / self.period - 0.5))

    def hot(self, lattice: Lattice, stream: Stream) -> NDArray[np.complex128]:
        """Draw a start of independent N(0, 1) on the real axis."""
        values = np.empty(self.site(lattice))
        fill_normals("float64")(values.reshape(-1), 0, START, stream.key)
        return values.astype(np.complex128)

    def cold(self, lattice: Lattice) -> NDArray[np.complex128]:
        """Make the ordered start, z = 1."""
        return np.ones(self.site(lattice), np.complex128)
