"""Observables by which a population of chains is judged: slow ones, and those that a frozen chain would show."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    """Observables of links: S, moduli of Polyakov loops along each axis, and Q and Q² where there are sectors."""

    theory: Theory
    lattice: Lattice

    def __call__(self, chains: Chains) -> Mapping[str, Tensor]:
        """Compute them, (n,) each."""
        loops = {f"|P_{mu}|": polyakov(chains.fields, mu) for mu in range(self.lattice.dimension)}
        found = {"action": chains.action, **loops}
        sectors = sectors_of(self.theory, self.lattice)
        if sectors is None:
            return found
        charge = sectors.charge(chains.fields)
        return found | {CHARGE: charge, f"{CHARGE}^2": charge**2}


def polyakov(links: Tensor, axis: int) -> Tensor:
    """Modulus of the spatial mean of (1/N) tr of Polyakov loops along an axis, (n,)."""
    along = links[:, axis]
    if not links.is_complex():
        return torch.polar(torch.ones_like(along.sum(1 + axis)), along.sum(1 + axis)).flatten(1).mean(1).abs()
    product, *others = along.unbind(1 + axis)
    for link in others:
        product = product @ link
    return product.diagonal(0, -2, -1).mean(-1).flatten(1).mean(1).abs()
