"""Products of links along straight lines, and traces of the loops that they close, whatever the gauge group.

Links are angles θ (n, D, *extents), which stand for e^{iθ}, or matrices (n, D, *extents, N, N). Lines along one
direction are fields of the same kind without the axis D.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import combinations, islice
from typing import Protocol

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array

Size = tuple[int, int]


class Group(Protocol):
    """Operations on links that depend on how group elements are stored."""

    def product(self, first: Array, second: Array) -> Array:
        """Multiply group elements site by site."""
        ...

    def quotient(self, first: Array, second: Array) -> Array:
        """Multiply group elements by the inverses of others, site by site."""
        ...

    def trace(self, elements: Array) -> Array:
        """Compute tr/N of each element, (n, *extents)."""
        ...

    def phase(self, elements: Array) -> Array:
        """Compute arg det of each element in (−π, π], (n, *extents)."""
        ...

    def overlap(self, first: Array, second: Array) -> Array:
        """Compute Re tr(first second⁻¹)/N of each pair, (n, *extents)."""
        ...


class Angles:
    """U(1) as angles: products are sums."""

    def product(self, first: Array, second: Array) -> Array:
        """Add the angles."""
        return first + second

    def quotient(self, first: Array, second: Array) -> Array:
        """Subtract the angles."""
        return first - second

    def trace(self, elements: Array) -> Array:
        """Compute e^{iθ}."""
        return np.asarray(np.exp(1j * elements))

    def phase(self, elements: Array) -> Array:
        """Bring the angles into (−π, π]."""
        turn = 2 * np.pi
        return np.asarray(elements - turn * np.ceil(elements / turn - 0.5))

    def overlap(self, first: Array, second: Array) -> Array:
        """Compute the cosine of the difference."""
        return np.asarray(np.cos(first - second))


class Matrices:
    """Unitary matrices in the last two axes."""

    def product(self, first: Array, second: Array) -> Array:
        """Multiply the matrices."""
        return np.asarray(first @ second)

    def quotient(self, first: Array, second: Array) -> Array:
        """Multiply by the adjoint matrices."""
        return np.asarray(first @ second.conj().swapaxes(-1, -2))

    def trace(self, elements: Array) -> Array:
        """Compute tr/N."""
        return np.asarray(np.trace(elements, axis1=-2, axis2=-1) / elements.shape[-1])

    def phase(self, elements: Array) -> Array:
        """Compute the argument of the determinant."""
        return np.asarray(np.angle(np.linalg.det(elements)))

    def overlap(self, first: Array, second: Array) -> Array:
        """Compute Re Σ_ij first_ij second_ij*/N."""
        return np.asarray((first * second.conj()).real.sum(axis=(-2, -1)) / first.shape[-1])


def group_of(fields: Array, lattice: Lattice) -> Group:
    """Tell by the shape of the links how they are stored."""
    return Angles() if fields.ndim == 2 + lattice.dimension else Matrices()


def ahead(line: Array, axis: int, steps: int = 1) -> Array:
    """Bring what begins at x + steps·ê_axis to x."""
    return np.roll(line, -steps, 1 + axis)


def lines(fields: Array, lattice: Lattice, axis: int) -> Iterator[Array]:
    """Yield the products U(x) U(x+ê) … of 1, 2, 3, … links along `axis` that begin at each site, up to the extent."""
    group, links = group_of(fields, lattice), fields[:, axis]
    line = links
    yield line
    for length in range(1, lattice.extents[axis]):
        line = group.product(line, ahead(links, axis, length))
        yield line


def closed_lines(fields: Array, lattice: Lattice, axis: int) -> Array:
    """Multiply all links along `axis`, from the first on: (n, *other extents), of group elements."""
    group, links = group_of(fields, lattice), np.moveaxis(fields[:, axis], 1 + axis, 0)
    return reduce(group.product, links)


def loops(fields: Array, lattice: Lattice, sizes: Sequence[Size]) -> Array:
    """Average Re tr/N of R×T loops over sites, planes and orientations; a column for each of `sizes`, (n, m)."""
    group, longest = group_of(fields, lattice), max(map(max, sizes))
    along = [list(islice(lines(fields, lattice, axis), longest)) for axis in range(lattice.dimension)]

    def mean_trace(axes: Size, sides: Size) -> Array:
        first, second = (along[axis][side - 1] for axis, side in zip(axes, sides, strict=True))
        way = group.product(first, ahead(second, axes[0], sides[0]))
        other = group.product(second, ahead(first, axes[1], sides[1]))
        return np.asarray(group.overlap(way, other).reshape(len(fields), -1).mean(axis=1))

    columns = {size: np.mean([mean_trace(*loop) for loop in placed(size, lattice)], axis=0) for size in set(sizes)}
    return np.stack([columns[size] for size in sizes], axis=1)


def placed(size: Size, lattice: Lattice) -> list[tuple[Size, Size]]:
    """Place an R×T loop in every plane: its axes μ < ν, and its sides along them where these fit into the extents."""
    planes = combinations(range(lattice.dimension), 2)
    every = [(axes, sides) for axes in planes for sides in dict.fromkeys((size, size[::-1]))]
    return [loop for loop in every if all(side <= lattice.extents[axis] for axis, side in zip(*loop, strict=True))]
