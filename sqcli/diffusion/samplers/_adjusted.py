"""Langevin steps with the exact force, accepted or rejected (MALA: Roberts and Tweedie, doi:10.2307/3318418)."""

import torch
from torch import Tensor

from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


def adjusted(
    theory: Theory, lattice: Lattice, old: Tensor, size: float, normal: Tensor, uniform: Tensor
) -> tuple[Tensor, Tensor]:
    """φ' = φ − ε ∂S/∂φ + √(2ε) z, taken with min(1, e^{−ΔS} q(φ|φ')/q(φ'|φ)).

    Args:
        theory: whose action and force.
        lattice: of the fields.
        old: φ, (n, *extents).
        size: ε.
        normal: z, (n, *extents).
        uniform: in [0, 1), (n,).

    Returns:
        The new fields, and whether each moved, (n,).
    """
    new = old + size * theory.drift(old, lattice) + (2 * size) ** 0.5 * normal
    back = old - new - size * theory.drift(new, lattice)
    ratio = theory.action(old, lattice) - theory.action(new, lattice)
    ratio = ratio + lattice.site_sum(normal**2) / 2 - lattice.site_sum(back**2) / (4 * size)
    moved = torch.log(uniform) < ratio
    return torch.where(moved.reshape(-1, *(1 for _ in lattice.extents)), new, old), moved.to(old)
