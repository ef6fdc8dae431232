"""Inverse coupling that is left of a Wilson action when its links are noised: the untrained nets of links.

Noise of level s on four links multiplies the mean u of a plaquette by r = e^{−2 C s²}, C = Σ_a T_a T_a. With

    β(u) = u (a − b u²)/(1 − u²),   a = 2N² (SU(2): 4; angles: 2),   b = a − 2 (number of generators)/D

the coupling of the noised links is β(r u), where β(u) is the coupling itself. It is right at both ends: a u at strong
coupling, and at weak coupling 1/β_s = 1/β + 2 D C s²/(number of generators), for Gaussian modes of mean k² = 2D, where
1 − u = generators/(D β). In between β(u) is good to some per cent (for D = 2 and U(1), SU(2) it is that of A. Banerjee
et al., J. Mach. Learn. Res. 6, 1345, 2005).
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from scipy.optimize import brentq
from torch import Tensor

from sqcli.diffusion.nets._links import LinkContext
from sqcli.lattice.group_links import GroupLinks

MOST = 50.0  # exponent of e^{C s²} beyond which nothing of the coupling is left
SINGLE = 4  # numbers that tell how much noise there is, in units of the fluctuations
SEVERAL = SINGLE + 5  # with those that tell the coupling as well


@dataclass(frozen=True)
class LinkGroup:
    """Constants of links in U(N) or SU(N), or of angles, in D dimensions.

    Attributes:
        n: N, 1 for angles.
        generators: number of T_a.
        unit: 2 tr T_a², 1; but 2 for angles, whose generator is 1.
        traceless: 1/N where determinants are 1, else 0: Σ_a T_a X T_a = unit (tr X − traceless X)/2.
        strong: slope a of β(u) at u = 0.
        weak: b of β(u).
    """

    n: int
    generators: int
    unit: float
    traceless: float
    strong: float
    weak: float

    @classmethod
    def of(cls, manifold: Any, dimension: int) -> "LinkGroup":
        """Read the constants from the manifold of a theory's links."""
        matrices = isinstance(manifold, GroupLinks)
        n, special = (manifold.n, manifold.special) if matrices else (1, False)
        count, strong = n**2 - special, 4.0 if special and n == 2 else 2.0 * n**2
        return cls(n, count, 1.0 if matrices else 2.0, special / n, strong, strong - 2 * count / dimension)

    @property
    def casimir(self) -> float:
        """C of Σ_a T_a T_a."""
        return self.unit * (self.n - self.traceless) / 2

    def coupling(self, mean: Any) -> Any:
        """Compute β(u)/u."""
        return (self.strong - self.weak * mean**2) / (1 - mean**2)

    def noised(self, beta: float, level: Tensor) -> "Noised":
        """Compute what is left of the coupling β at the levels (n,)."""
        spread = self.casimir * level.double() ** 2
        left, mean = torch.exp(-2 * spread), _mean(self, abs(beta))
        share = left * self.coupling(left * mean) / self.coupling(torch.full_like(left, mean))
        square = (beta * share) ** 2 / self.casimir
        together, apart = square * torch.expm1(spread.clamp(max=MOST)), -square * torch.expm1(-spread)
        return Noised(beta * share, (1 - share).clamp(min=0), left * mean, together, apart, beta)


@dataclass(frozen=True)
class Noised:
    """What noise leaves of a coupling, for each row of a batch, (n,) float64 each.

    Attributes:
        beta: coupling β_s of the noised links; the theory's at s = 0.
        lost: 1 − β_s/β, from 0 at s = 0 to 1; at weak coupling t/(1 + t) with t ∝ β s².
        left: r u, the mean of a plaquette that is left, without sign.
        together: β_s² (e^{C s²} − 1)/C, for loops of two plaquettes that leave the link out which they share.
        apart: β_s² (1 − e^{−C s²})/C, for loops that pass it twice.
        bare: the theory's own coupling β.
    """

    beta: Tensor
    lost: Tensor
    left: Tensor
    together: Tensor
    apart: Tensor
    bare: float

    def told(self, several: bool) -> Tensor:
        """Tell a network of the noise, and where it knows several couplings of these too: (n, SINGLE or SEVERAL).

        All numbers are bounded, so that a net is tame at couplings that it was not trained at.
        """
        found = [self.lost, self.lost.sqrt(), self.lost**2, self.lost**4]
        if several:
            size = self.beta.abs()
            bare = torch.full_like(size, 1 / (1 + abs(self.bare)))
            found += [self.left, self.left**2, size / (1 + size), bare, bare.sqrt()]
        return torch.stack(found, 1)


def known_coupling(context: LinkContext, transfer: str) -> tuple[float, float]:
    """Choose the coupling that a net is evaluated at, and the factor of its score.

    The published rule takes the training ensemble's coupling β₀, and multiplies by β/β₀: exact only as s → 0.
    """
    if transfer == "published":
        return context.beta_trained, context.theory.beta / context.beta_trained
    return context.theory.beta, 1.0


@cache
def _mean(group: LinkGroup, beta: float) -> float:
    """Solve β(u) = β for u in [0, 1), β not negative."""
    if beta == 0:
        return 0.0
    found = brentq(lambda u: u * (group.strong - group.weak * u**2) - beta * (1 - u**2), 0, 1, xtol=1e-15)
    return min(float(found), math.nextafter(1, 0))
