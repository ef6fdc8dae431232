"""Symmetries of the action, drawn anew for each batch: translations, reflections, exchanges of equal axes, the sign.

Symmetries of a theory are found by comparing the action of a random configuration with that of its image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sqcli.diffusion.training._seeds import AUGMENTATION, generator
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Symmetries:
    """Symmetries of the action of `theory` on `lattice`, applied at random."""

    theory: Theory
    lattice: Lattice

    def apply(self, fields: Tensor, seed: int, step: int, rank: int) -> Tensor:
        """Map a batch (n, *extents) by random symmetries; the sign is drawn for each configuration."""
        random, dimension = generator("cpu", seed, AUGMENTATION, step, rank), self.lattice.dimension
        shifts = [int(torch.randint(n, (), generator=random)) for n in self.lattice.extents]
        flips = torch.rand(dimension, generator=random) < 0.5
        order = exchange(self.lattice.extents, torch.randperm(dimension, generator=random).tolist())
        signs = 2.0 * (torch.rand(len(fields), generator=random) < 0.5).to(fields) - 1
        allowed = self.allowed
        if "translation" in allowed:
            fields = fields.roll(shifts, tuple(range(1, dimension + 1)))
        if "reflection" in allowed:
            fields = fields.flip([axis + 1 for axis in range(dimension) if flips[axis]])
        if "exchange" in allowed:
            fields = fields.permute(0, *(axis + 1 for axis in order))
        return fields * signs.reshape(-1, *(1,) * dimension) if "sign" in allowed else fields

    @cached_property
    def allowed(self) -> frozenset[str]:
        """Names of the symmetries that the action has."""
        random = torch.Generator().manual_seed(1)
        field = torch.randn(1, *self.lattice.extents, dtype=torch.float64, generator=random)
        action = self.theory.action(field, self.lattice)
        return frozenset(
            name
            for name, image in _images(field, self.lattice)
            if abs(self.theory.action(image, self.lattice) - action) <= TOLERANCE * (1 + abs(action))
        )


def exchange(extents: tuple[int, ...], order: list[int]) -> list[int]:
    """Permutation with axes of different extents left where they are."""
    waiting = {n: [axis for axis in order if extents[axis] == n] for n in set(extents)}
    return [waiting[n].pop() for n in extents]


def _images(field: Tensor, lattice: Lattice) -> Iterator[tuple[str, Tensor]]:
    axes = tuple(range(1, lattice.dimension + 1))
    yield "translation", field.roll((1,) * lattice.dimension, axes)
    yield "reflection", field.flip(1)
    order = exchange(lattice.extents, list(range(lattice.dimension)))
    yield "exchange", field.permute(0, *(axis + 1 for axis in order))
    yield "sign", -field
