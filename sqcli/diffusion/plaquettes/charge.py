"""Charge K = Σ y/2π of V lifted plaquettes, a whole number: its probabilities, from which it is drawn first.

The density of a sum of V independent plaquettes at 2πK is P(K) ∝ ∫ dk p̂(k)^V cos 2πkK, p̂ the characteristic function
of one. Any positive table would leave the sampler exact; this one is the right one, up to rounding far out, where the
Gaussian of the same variance takes over. K is not the topological charge Q, which follows from the plaquettes drawn.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from sqcli.diffusion.plaquettes.lift import TURN, Lift

FREQUENCIES = 1024
REACH = 9.0  # of k, in inverse standard deviations of the sum
SPREAD = 10.0  # standard deviations of K in the table
ROUNDING = 1e-9  # of P(0); smaller values are taken from the Gaussian


@dataclass(frozen=True)
class ChargeTable:
    """Probabilities of K = −m … m, their logarithms in `log`, (2m + 1,)."""

    log: Tensor

    @property
    def most(self) -> int:
        """Largest K."""
        return len(self.log) // 2

    def draw(self, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Draw K from numbers in [0, 1), by inversion; also log P(K): (n,) each."""
        below = self.log.exp().cumsum(0)
        row = torch.searchsorted(below, uniform.contiguous(), right=True).clamp(max=len(below) - 1)
        return row.to(uniform) - self.most, self.log[row]

    def log_probability(self, charge: Tensor) -> Tensor:
        """Logarithm of P(K); −∞ beyond the table."""
        inside = charge.abs() <= self.most
        return torch.where(inside, self.log[(charge.clamp(-self.most, self.most) + self.most).long()], -torch.inf)

    def to(self, device: torch.device) -> "ChargeTable":
        """Copy the table to another device."""
        return ChargeTable(self.log.to(device))


@lru_cache(maxsize=16)
def charge_table(beta: float, volume: int) -> ChargeTable:
    """Compute P(K) of `volume` plaquettes."""
    lift = Lift(beta)
    y, weight = lift.points
    spread = math.sqrt(volume * lift.variance)
    k = torch.linspace(0, REACH / spread, FREQUENCIES, dtype=torch.float64)
    charges = torch.arange(2 + math.ceil(SPREAD * spread / TURN), dtype=torch.float64)
    found = torch.cos(TURN * charges[:, None] * k) @ _trapezoid(torch.cos(k[:, None] * y) @ weight, volume)
    gaussian = found[0].log() - (TURN * charges / spread) ** 2 / 2
    log = torch.where(found > ROUNDING * found[0], found.clamp(min=1e-300).log(), gaussian)
    both = torch.cat([log.flip(0)[:-1], log])
    return ChargeTable(both - torch.logsumexp(both, 0))


def _trapezoid(characteristic: Tensor, volume: int) -> Tensor:
    """Powers of the characteristic function, with the weights of the trapezoidal rule at both ends."""
    powers = characteristic**volume
    powers[[0, -1]] /= 2
    return powers
