"""Symmetries of the action of links, drawn anew for each batch: translations, reflections, exchanges, conjugation.

Reflected in axis a, U'_a(x) = U_a(−x − â)† and U'_μ(x) = U_μ(−x) for the others; conjugated, U' = U*. Symmetries of a
theory are found by comparing the action of a random configuration with that of its image.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sqcli.diffusion.training._augmentation import TOLERANCE, exchange
from sqcli.diffusion.training._seeds import AUGMENTATION, generator
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.theories import Theory


@dataclass(frozen=True)
class LinkSymmetries:
    """Symmetries of the action of a gauge theory on `lattice`, applied at random to links (n, D, *extents, …)."""

    theory: Theory
    lattice: Lattice

    def apply(self, fields: Tensor, seed: int, step: int, rank: int) -> Tensor:
        """Map a batch by random symmetries; the conjugation is drawn for each configuration."""
        random, dimension = generator("cpu", seed, AUGMENTATION, step, rank), self.lattice.dimension
        shifts = [int(torch.randint(n, (), generator=random)) for n in self.lattice.extents]
        flips = torch.rand(dimension, generator=random) < 0.5
        order = exchange(self.lattice.extents, torch.randperm(dimension, generator=random).tolist())
        conjugate = torch.rand(len(fields), generator=random) < 0.5
        allowed = self.allowed
        if "translation" in allowed:
            fields = fields.roll(shifts, tuple(range(2, dimension + 2)))
        for axis in range(dimension):
            if flips[axis] and "reflection" in allowed:
                fields = self._reflected(fields, axis)
        if "exchange" in allowed:
            fields = self._exchanged(fields, order)
        if "conjugation" in allowed:
            wide = conjugate.reshape(-1, *(1,) * (fields.dim() - 1)).to(fields.device)
            fields = torch.where(wide, _conjugated(fields), fields)
        return fields

    @cached_property
    def allowed(self) -> frozenset[str]:
        """Names of the symmetries that the action has."""
        links = torch.from_numpy(self.theory.manifold.hot(self.lattice, Stream(1, 0)))[None]
        action = self.theory.action(links, self.lattice)
        images = {
            "translation": links.roll((1,) * self.lattice.dimension, tuple(range(2, self.lattice.dimension + 2))),
            "reflection": self._reflected(links, 0),
            "exchange": self._exchanged(links, exchange(self.lattice.extents, list(range(self.lattice.dimension)))),
            "conjugation": _conjugated(links),
        }
        return frozenset(
            name
            for name, image in images.items()
            if abs(self.theory.action(image, self.lattice) - action) <= TOLERANCE * (1 + abs(action))
        )

    def _reflected(self, links: Tensor, axis: int) -> Tensor:
        flipped = links.flip(axis + 2)
        moved = flipped.roll(1, axis + 2)
        own = _adjoint(flipped[:, axis])
        return torch.stack([own if mu == axis else moved[:, mu] for mu in range(self.lattice.dimension)], 1)

    def _exchanged(self, links: Tensor, order: list[int]) -> Tensor:
        """Axis k of the image is axis order[k] of the links, for directions and sites alike."""
        inner = range(self.lattice.dimension + 2, links.dim())
        return links[:, order].permute(0, 1, *(axis + 2 for axis in order), *inner)


def _adjoint(links: Tensor) -> Tensor:
    return links.conj().transpose(-1, -2).resolve_conj() if links.is_complex() else -links


def _conjugated(links: Tensor) -> Tensor:
    return links.conj().resolve_conj() if links.is_complex() else -links
