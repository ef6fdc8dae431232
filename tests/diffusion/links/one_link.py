"""One link in a group, with S = β (1 − Re tr U/N): everything about it is known, noised or not."""

from dataclasses import dataclass
from typing import Any

import torch
from scipy.special import iv

from sqcli.diffusion.links.lie import GENERATORS, components, reduced_trace
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.manifold import AngleLinks

LATTICE = Lattice((1,))


@dataclass(frozen=True)
class OneLink:
    manifold: Any
    beta: float

    def action(self, field, lattice):
        return self.beta * (1 - reduced_trace(self.manifold, field).flatten(1).sum(1))

    def drift(self, field, lattice):
        if isinstance(self.manifold, AngleLinks):
            return -self.beta * field.sin()
        return -self.beta / self.manifold.n * components(self.manifold, field)

    def noised_score(self, field, level):
        """∂_a log p_s of U(1) and SU(2), by characters."""
        time, orders = level**2, torch.arange(1, 40, dtype=torch.float64)
        bessel = torch.from_numpy(iv(orders.numpy(), self.beta))
        if isinstance(self.manifold, AngleLinks):
            decay = 2 * bessel * torch.exp(-(orders**2) * time / 2)
            phases = field.unsqueeze(-1) * orders
            return -(decay * orders * phases.sin()).sum(-1) / (iv(0, self.beta) + (decay * phases.cos()).sum(-1))
        axis = components(self.manifold, field)
        sine = torch.sqrt((axis**2).sum(GENERATORS)).clamp(min=1e-9)
        w = torch.atan2(sine, reduced_trace(self.manifold, field)).unsqueeze(-1)
        weight = orders * bessel * torch.exp(-(orders**2 - 1) * time / 8)
        density = (weight * torch.sin(orders * w) / w.sin()).sum(-1)
        slope = (weight * (orders * torch.cos(orders * w) - torch.sin(orders * w) / w.tan()) / w.sin()).sum(-1)
        return axis * (slope / density / sine / 2).unsqueeze(GENERATORS)


def partition(theory):
    """Z with Haar's measure of total 1, for U(1), SU(2) and SU(3)."""
    return character(theory.manifold, theory.beta, (0, 0, 0)) * float(torch.exp(torch.tensor(-theory.beta)))


def character(manifold, beta, rows):
    """λ_r of e^{β Re tr U/N} = Σ_r λ_r χ_r: of U(1) r = rows[0], of SU(N) the Young diagram."""
    if isinstance(manifold, AngleLinks):
        return float(iv(rows[0], beta))
    n, x, total = manifold.n, beta / manifold.n, 0.0
    for shift in range(-30, 31):
        matrix = [[float(iv(rows[i] - i + j + shift, x)) for j in range(n)] for i in range(n)]
        total += float(torch.linalg.det(torch.tensor(matrix, dtype=torch.float64)))
    return total


def torus_partition(theory, volume):
    """Z of the two-dimensional torus, Σ_r (λ_r/d_r)^V e^{−βV}, for U(1), SU(2) and SU(3)."""
    manifold, beta, total = theory.manifold, theory.beta, 0.0
    factor = float(torch.exp(torch.tensor(-beta, dtype=torch.float64)))
    if isinstance(manifold, AngleLinks):
        return sum((character(manifold, beta, (k, 0, 0)) * factor) ** volume for k in range(-30, 31))
    for p in range(14):
        for q in range(14 if manifold.n == 3 else 1):
            rows, dimension = (
                ((p + q, q, 0), (p + 1) * (q + 1) * (p + q + 2) / 2) if manifold.n == 3 else ((p, 0), p + 1)
            )
            total += (character(manifold, beta, rows) * factor / dimension) ** volume
    return total
