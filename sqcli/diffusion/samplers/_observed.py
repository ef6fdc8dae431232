"""Observables by which a population of chains is judged: slow ones, and those that a frozen chain would show."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from sqcli.diffusion.samplers._adjusted import Chains
from sqcli.diffusion.samplers._sectors import sectors_of
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

CHARGE = "Q"


@dataclass(frozen=True)
class FieldObservables:
    """Observables |M|, M² and S of a real field, and M itself unless signs are equally likely by symmetry."""

    odd: bool

    def __call__(self, chains: Chains) -> Mapping[str, Tensor]:
        """Compute them, (n,) each."""
        mean = chains.fields.flatten(1).mean(1)
        found = {"|M|": mean.abs(), "M^2": mean**2, "action": chains.action}
        return found | ({"M": mean} if self.odd else {})


@dataclass(frozen=True)
class LinkObservables:
    """Observables of links: S, loops of a quarter and a half of the lattice, Polyakov loops, Q and Q² in sectors.

    Large loops see the long waves, which relax as 1/k² and which S hardly sees.
    """

    theory: Theory
    lattice: Lattice

    def __call__(self, chains: Chains) -> Mapping[str, Tensor]:
        """Compute them, (n,) each."""
        loops = {f"|P_{mu}|": polyakov(chains.fields, mu) for mu in range(self.lattice.dimension)}
        shortest = min(self.lattice.extents)
        for size in sorted({max(shortest // 4, 1), max(shortest // 2, 1)}):
            loops[f"W_{size}x{size}"] = square_loop(chains.fields, size, self.lattice)
        found = {"action": chains.action, **loops}
        sectors = sectors_of(self.theory, self.lattice)
        if sectors is None:
            return found
        charge = sectors.charge(chains.fields)
        return found | {CHARGE: charge, f"{CHARGE}^2": charge**2}


def square_loop(links: Tensor, size: int, lattice: Lattice) -> Tensor:
    """Mean over sites and planes of (1/N) Re tr of size × size loops, (n,)."""
    matrices = links if links.is_complex() else torch.polar(torch.ones_like(links), links)[..., None, None]
    sides = [_line(matrices[:, mu], mu, size) for mu in range(lattice.dimension)]
    total: list[Tensor] = []
    for mu, nu in combinations(range(lattice.dimension), 2):
        ahead = sides[mu] @ sides[nu].roll(-size, 1 + mu)
        back = sides[nu] @ sides[mu].roll(-size, 1 + nu)
        total.append((ahead * back.conj()).real.sum((-2, -1)) / matrices.shape[-1])
    return torch.stack([each.flatten(1).mean(1) for each in total]).mean(0)


def _line(links: Tensor, axis: int, size: int) -> Tensor:
    """Products of `size` links in a row along an axis, (n, *extents, N, N)."""
    line = links
    for step in range(1, size):
        line = line @ links.roll(-step, 1 + axis)
    return line


def polyakov(links: Tensor, axis: int) -> Tensor:
    """Modulus of the spatial mean of (1/N) tr of Polyakov loops along an axis, (n,)."""
    along = links[:, axis]
    if not links.is_complex():
        return torch.polar(torch.ones_like(along.sum(1 + axis)), along.sum(1 + axis)).flatten(1).mean(1).abs()
    product, *others = along.unbind(1 + axis)
    for link in others:
        product = product @ link
    return product.diagonal(0, -2, -1).mean(-1).flatten(1).mean(1).abs()
