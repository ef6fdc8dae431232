"""Links by themselves in a group, S = β Σ (1 − Re tr U/N): everything about them is known, noised or not."""

import math
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
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
        return self.beta * (1 - reduced_trace(self.manifold, field)).flatten(1).sum(1)

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
    """Z of one link with Haar's measure of total 1."""
    manifold = theory.manifold
    return character(manifold, theory.beta, (0,) * getattr(manifold, "n", 1)) * math.exp(-theory.beta)


def character(manifold, beta, rows):
    """λ_r of e^{β Re tr U/N} = Σ_r λ_r χ_r, r a Young diagram by its N rows; of U(N) they may be negative."""
    n, special, total = getattr(manifold, "n", 1), getattr(manifold, "special", False), 0.0
    for shift in range(-30, 31) if special else [0]:
        matrix = [[float(iv(rows[i] - i + j + shift, beta / n)) for j in range(n)] for i in range(n)]
        total += float(torch.linalg.det(torch.tensor(matrix, dtype=torch.float64)))
    return total


def torus_partition(theory, volume, most=14):
    """Z of the two-dimensional torus, Σ_r (λ_r/d_r)^V e^{−βV}."""
    manifold, total = theory.manifold, 0.0
    n, special = getattr(manifold, "n", 1), getattr(manifold, "special", False)
    for rows in combinations_with_replacement(range(most, -1 if special else -most - 1, -1), n):
        if special and rows[-1]:
            continue
        pairs = [(rows[i] - rows[j] + j - i) / (j - i) for i, j in combinations(range(n), 2)]
        total += (character(manifold, theory.beta, rows) * math.exp(-theory.beta) / math.prod(pairs)) ** volume
    return total
