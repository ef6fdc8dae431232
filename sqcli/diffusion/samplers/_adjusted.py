"""Langevin steps with the exact force, accepted or rejected (MALA: Roberts and Tweedie, doi:10.2307/3318418)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


@dataclass(frozen=True)
class Chains:
    """Independent chains between two steps, with what the next step starts from, so that nothing is computed twice.

    Attributes:
        fields: φ, (n, *extents).
        action: S(φ), (n,).
        drift: −∂S/∂φ, (n, *extents).
    """

    fields: Tensor
    action: Tensor
    drift: Tensor

    @classmethod
    def at(cls, theory: Theory, lattice: Lattice, fields: Tensor) -> "Chains":
        """Evaluate action and force of `fields`."""
        return cls(fields, theory.action(fields, lattice), theory.drift(fields, lattice))


def adjusted(
    theory: Theory, lattice: Lattice, old: Chains, size: float, normal: Tensor, uniform: Tensor
) -> tuple[Chains, Tensor]:
    """Step φ' = φ − ε ∂S/∂φ + √(2ε) z, taken with probability min(1, e^{−ΔS} q(φ|φ')/q(φ'|φ)).

    Args:
        theory: the theory with action and force.
        lattice: the lattice of the fields.
        old: the chains before the step.
        size: the step ε.
        normal: the noise z, (n, *extents).
        uniform: numbers in [0, 1) that decide, (n,).

    Returns:
        The chains after the step, and whether each moved, (n,).
    """
    new = Chains.at(theory, lattice, old.fields + size * old.drift + (2 * size) ** 0.5 * normal)
    back = old.fields - new.fields - size * new.drift
    ratio = old.action - new.action
    ratio = ratio + lattice.site_sum(normal**2) / 2 - lattice.site_sum(back**2) / (4 * size)
    moved = torch.log(uniform) < ratio
    wide = moved.reshape(-1, *(1 for _ in lattice.extents))
    fields, drift = torch.where(wide, new.fields, old.fields), torch.where(wide, new.drift, old.drift)
    return Chains(fields, torch.where(moved, new.action, old.action), drift), moved.to(old.fields)
