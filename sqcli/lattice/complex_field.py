"""Manifold of complex Langevin dynamics: a complex number at every site, where real fields move off the real axis.

Kernels see real and imaginary parts; a tangent vector has both, z moves to z + (v₁ + i v₂).
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
    """Field z(x) in ℂ at every site; hot: real parts N(0, 1), cold: z = 1.

    Attributes:
        period: real parts are brought into (−period/2, period/2]; 0: they are not.
    """

    period: float = 0.0
    name: str = "C"
    field: str = "z"
    flat: bool = False

    def stored(self, dtype: str) -> str:
        """Return the complex type of the precision `dtype`."""
        return {"float64": "complex128", "float32": "complex64"}[dtype]

    def components(self, lattice: Lattice) -> int:
        """Return 2, real and imaginary part."""
        return 2

    def site(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of one configuration, that of the lattice."""
        return lattice.extents

    def axes(self, lattice: Lattice) -> tuple[str, ...]:
        """Names of the configuration's axes, those of the lattice."""
        return lattice.axes

    def tangent(self, lattice: Lattice) -> tuple[int, ...]:
        """Shape of a tangent vector: real and imaginary part, (2, *extents)."""
        return (2, *lattice.extents)

    def planes(self, fields: Array, lattice: Lattice) -> Array:
        """Lay real and imaginary parts out, (n, 2, *extents)."""
        return np.stack([fields.real, fields.imag], axis=1)

    def from_planes(self, planes: Array, lattice: Lattice) -> Array:
        """Take fields (n, *extents) back."""
        fields = np.empty((len(planes), *lattice.extents), self.stored(str(planes.dtype)))
        fields.real, fields.imag = planes[:, 0], planes[:, 1]
        return fields

    def move(self, fields: Array, tangents: Array) -> Array:
        """Return z + v₁ + i v₂."""
        return self.project(np.asarray(fields + tangents[:, 0] + 1j * tangents[:, 1]))

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
        values = np.empty(lattice.volume)
        fill_normals("float64")(values, 0, START, stream.key)
        return values.reshape(lattice.extents).astype(np.complex128)

    def cold(self, lattice: Lattice) -> NDArray[np.complex128]:
        """Make the ordered start, z = 1."""
        return np.ones(lattice.extents, np.complex128)
