"""Closed paths of links: all images of a loop under rotations and reflections, traces, plaquettes at each link.

A path is a tuple of steps ±1 … ±D, the axis counted from 1. Matrices lie behind the lattice's axes: (n, D, *extents,
N, N) for links, (n, *extents, N, N) for paths; U(1) has 1 × 1 ones.
"""

from functools import cache
from itertools import combinations, permutations, product

import torch
from torch import Tensor

from sqcli.lattice.products import times

Path = tuple[int, ...]

RECTANGLE: Path = (1, 1, 2, -1, -1, -2)
SQUARE: Path = (1, 1, 2, 2, -1, -1, -2, -2)
CHAIR: Path = (1, 2, 3, -2, -1, -3)


@cache
def images(path: Path, dimension: int) -> tuple[Path, ...]:
    """List the different images of a loop, up to its first site and its orientation; none where D is too small."""
    found: dict[Path, Path] = {}
    for axes in permutations(range(1, dimension + 1), max(path)):
        for signs in product((1, -1), repeat=max(path)):
            image = tuple((1 if step > 0 else -1) * signs[abs(step) - 1] * axes[abs(step) - 1] for step in path)
            found.setdefault(_name(image), image)
    return tuple(found.values())


def _name(path: Path) -> Path:
    """Choose one of the ways to walk a loop."""
    return max(way[k:] + way[:k] for way in (path, reverse(path)) for k in range(len(path)))


def reverse(path: Path) -> Path:
    """Walk a path back."""
    return tuple(-step for step in reversed(path))


class Walks:
    """Products of links along paths, each computed once."""

    def __init__(self, links: Tensor) -> None:
        self.links, self.dimension = links, links.dim() - 4
        self._known: dict[Path, Tensor] = {}

    def product(self, path: Path) -> Tensor:
        """Multiply the links of an open path that begins at each site: (n, *extents, N, N)."""
        if path not in self._known:
            self._known[path] = self._product(path)
        return self._known[path]

    def _product(self, path: Path) -> Tensor:
        if len(path) > 1:
            return times(self.product(path[:-1]), shifted(self.product(path[-1:]), path[:-1], self.dimension))
        link = self.links[:, abs(path[0]) - 1]
        return link if path[0] > 0 else shifted(link, path, self.dimension).mH

    def trace(self, loop: Path) -> Tensor:
        """Real part of the trace over N of a loop that begins at each site: (n, *extents)."""
        half = len(loop) // 2
        return squared(self.product(loop[:half]), self.product(reverse(loop[half:])))

    def plaquettes(self) -> Tensor:
        """Plaquettes that begin with each link, two for each other axis: (n, D, 2(D − 1), *extents, N, N)."""
        return torch.stack([torch.stack(self._plaquettes(axis), 1) for axis in range(1, self.dimension + 1)], 1)

    def _plaquettes(self, axis: int) -> list[Tensor]:
        others = [step for step in range(-self.dimension, self.dimension + 1) if abs(step) not in (0, axis)]
        return [times(self.product((axis, step)), self.product((step, axis)).mH) for step in others]

    def at_links(self, field: Tensor, loop: Path) -> Tensor:
        """Sum a number of each loop (n, *extents) at all its links: (n, D, *extents)."""
        total = [torch.zeros_like(field)] * self.dimension
        for k, step in enumerate(loop):
            way = loop[:k] if step > 0 else loop[: k + 1]
            total[abs(step) - 1] = total[abs(step) - 1] + shifted(field, reverse(way), self.dimension)
        return torch.stack(total, 1)


def at_plaquettes(numbers: Tensor) -> Tensor:
    """Take the mean of numbers (n, D, *extents) of the four links around each plaquette: (n, D(D − 1)/2, *extents)."""
    planes = []
    for mu, nu in combinations(range(numbers.shape[1]), 2):
        one, other = numbers[:, mu], numbers[:, nu]
        planes.append((one + one.roll(-1, 1 + nu) + other + other.roll(-1, 1 + mu)) / 4)
    return torch.stack(planes, 1)


def shifted(field: Tensor, path: Path, dimension: int, first: int = 1) -> Tensor:
    """Bring a field from the end of a path to its begin; the lattice's axes begin with `first`."""
    steps = [path.count(-axis) - path.count(axis) for axis in range(1, dimension + 1)]
    moved = [axis for axis, step in enumerate(steps) if step]
    return field.roll([steps[axis] for axis in moved], [first + axis for axis in moved]) if moved else field


def squared(one: Tensor, other: Tensor | None = None) -> Tensor:
    """Compute Re tr A B†/N, of B = A where there is one matrix only: (…, N, N) -> (…)."""
    a = torch.view_as_real(one.resolve_conj())
    b = a if other is None else torch.view_as_real(other.resolve_conj())
    return (a * b).sum((-1, -2, -3)) / one.shape[-1]


def trace(matrices: Tensor) -> Tensor:
    """Compute tr A/N: (…, N, N) -> (…)."""
    return matrices.diagonal(0, -2, -1).mean(-1)
