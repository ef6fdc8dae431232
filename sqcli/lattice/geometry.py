"""Periodic hypercubic lattices of any dimension and extents, and the padded layout of the kernels.

Kernels see a field as flat memory: every component is a box with one ghost site on each side, C order, so that a
neighbour is a constant offset away and the inner loop needs no wrap-around (`halo.py` fills the ghosts). Behind each
box there is room, so that vectors may reach beyond it, and components an odd number of cache lines apart share no set.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError

AXES = ("x", "y", "z", "t")
MAX_DIMENSION = 8  # two bits per axis in the 16 of `steps`
HEADER = 5  # dimension, components, numbers of a padded component, sites of the lattice, components of a momentum
LINE = 8  # numbers of float64 in a cache line, and the longest vectors of kernels
A = TypeVar("A")


@dataclass(frozen=True)
class Lattice:
    """Periodic lattice with `extents` sites along its axes.

    Raises:
        UsageError: when an extent is not positive.
    """

    extents: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.extents or min(self.extents) < 1:
            raise UsageError(f"a lattice needs positive extents, not {'x'.join(map(str, self.extents)) or 'none'}")
        if len(self.extents) > MAX_DIMENSION:
            raise UsageError(f"a lattice has at most {MAX_DIMENSION} dimensions, not {len(self.extents)}")

    def __str__(self) -> str:
        return "x".join(map(str, self.extents))

    @property
    def dimension(self) -> int:
        """Number of axes D."""
        return len(self.extents)

    @property
    def volume(self) -> int:
        """Number of sites V."""
        return math.prod(self.extents)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes: x, y, z, t, then x5, x6, …."""
        return tuple(AXES[i] if i < len(AXES) else f"x{i + 1}" for i in range(self.dimension))

    @property
    def padded_volume(self) -> int:
        """Numbers from one component to the next in the padded layout: sites, ghosts, and at least a line of room."""
        lines = -(-math.prod(n + 2 for n in self.extents) // LINE) + 1
        return (lines | 1) * LINE

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Offsets to the next site along each axis in the padded layout."""
        padded = [n + 2 for n in self.extents]
        return tuple(math.prod(padded[axis + 1 :]) for axis in range(self.dimension))

    def geometry(self, components: int = 1, momenta: int | None = None) -> NDArray[np.uint64]:
        """Build the table for the kernels: header, extents, strides, then the padded offset of each lattice row.

        Args:
            components: real numbers per site of a field.
            momenta: real numbers per site of a momentum; None: as many.
        """
        rows = product(*(range(1, n + 1) for n in self.extents[:-1]))
        offsets = [sum(x * s for x, s in zip(row, self.strides[:-1], strict=True)) + 1 for row in rows]
        width = components if momenta is None else momenta
        header = (self.dimension, components, self.padded_volume, self.volume, width)
        return np.array([*header, *self.extents, *self.strides, *offsets], dtype=np.uint64)

    def padded(self, planes: NDArray[Any]) -> NDArray[Any]:
        """Lay planes (components, *extents) out as the kernels see them, ghosts filled, flat; a copy."""
        ghosts = [(0, 0), *[(1, 1)] * self.dimension]
        boxes = np.pad(planes, ghosts, mode="wrap").reshape(len(planes), -1)
        values = np.zeros((len(planes), self.padded_volume), planes.dtype)
        values[:, : boxes.shape[1]] = boxes
        return values.reshape(-1)

    def inner(self, values: NDArray[Any]) -> NDArray[Any]:
        """View the planes (components, *extents) of a flat array in the padded layout."""
        sides = [n + 2 for n in self.extents]
        boxes = values.reshape(-1, self.padded_volume)[:, : math.prod(sides)].reshape(-1, *sides)
        return boxes[(slice(None), *[slice(1, -1)] * self.dimension)]

    def neighbours(self) -> NDArray[np.uint32]:
        """Build a flat table of shape (V·2D,): the neighbours of each site in the order +x, −x, +y, −y, …."""
        index = np.arange(self.volume, dtype=np.uint32).reshape(self.extents)
        shifted = [np.roll(index, -step, axis) for axis in range(self.dimension) for step in (1, -1)]
        return np.ascontiguousarray(np.stack([s.ravel() for s in shifted], axis=1)).ravel()

    def steps(self) -> tuple[NDArray[np.uint16], NDArray[np.uint64], NDArray[np.uint64]]:
        """Build the neighbours as small steps, for walks through fields that are larger than a cache.

        Returns:
            `edges` (V,): bit k says that direction k, in the order of `neighbours`, leaves the box here; `offsets`
            (2D,) and `wraps` (2D,): neighbour k of i is i + offsets[k], plus wraps[k] at an edge (modulo 2^64).
        """
        edges = np.zeros(self.extents, np.uint16)
        offsets: list[int] = []
        wraps: list[int] = []
        for axis, n in enumerate(self.extents):
            stride = math.prod(self.extents[axis + 1 :])
            for step, last in ((1, n - 1), (-1, 0)):
                face = tuple(slice(None) if a != axis else last for a in range(self.dimension))
                edges[face] |= np.uint16(1 << len(offsets))
                offsets.append(step * stride)
                wraps.append(-step * n * stride)
        return edges.ravel(), np.array(offsets, np.int64).view(np.uint64), np.array(wraps, np.int64).view(np.uint64)

    def shift(self, field: A, axis: int, step: int = 1) -> A:
        """Bring the field at x + step·ê_axis to x, in NumPy arrays and tensors whose last D axes are the lattice."""
        where = axis - self.dimension
        if isinstance(field, np.ndarray):
            return np.roll(field, -step, where)
        return field.roll(-step, where)  # type: ignore[attr-defined, no-any-return]

    def site_sum(self, field: A) -> A:
        """Sum over all sites, the last D axes."""
        return field.sum(tuple(range(-self.dimension, 0)))  # type: ignore[attr-defined, no-any-return]
