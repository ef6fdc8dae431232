"""Langevin steps accepted or rejected (MALA: Roberts and Tweedie, doi:10.2307/3318418), on any manifold.

A step moves U along v = ε F(U) + √(2ε) z; on links that is U′ = exp(i v) U. Back from U′ leads −v, so that
z′ = (−v − ε F(U′))/√(2ε), and min(1, e^{−ΔS + (z² − z′²)/2}) is detailed balance whatever the drift F is worth: at
fixed v the motion keeps the measure of fields, and (U, v) → (U′, −v) is its own inverse, also where several v lead
to U′.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from sqcli.diffusion.links.lie import move
from sqcli.diffusion.process.protocol import Annealed, RandomNumbers
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


@dataclass(frozen=True)
class Chains:
    """Independent chains between two steps, with what the next step starts from, so that nothing is computed twice.

    Attributes:
        fields: configurations, (n, *site), or noised fields.
        action: S, minus the log density that is wanted, (n,).
        drift: a tangent vector along which a step goes, by itself −∂S: (n, *tangent).
    """

    fields: Tensor
    action: Tensor
    drift: Tensor


class Target(Protocol):
    """Density that steps keep, with a drift for their proposals."""

    def at(self, fields: Tensor) -> Chains:
        """Evaluate action and drift."""

    def shifted(self, fields: Tensor, *parts: Tensor) -> Tensor:
        """Move fields along the sum of tangent vectors."""

    def returned(self, old: Tensor, new: Tensor, *parts: Tensor) -> Tensor:
        """Tangent vector that takes `new` back to `old`, where `new` is `old` shifted by `parts`."""


@dataclass(frozen=True)
class ExactForce:
    """Target e^{−S} of a theory, with its exact force as the drift."""

    theory: Theory
    lattice: Lattice

    def at(self, fields: Tensor) -> Chains:
        """Evaluate action and force."""
        return Chains(fields, self.theory.action(fields, self.lattice), self.theory.drift(fields, self.lattice))

    def shifted(self, fields: Tensor, *parts: Tensor) -> Tensor:
        """Add to real fields; multiply links by exponentials."""
        manifold: Any = self.theory.manifold
        return added(fields, *parts) if manifold.flat else move(manifold, fields, sum(parts[1:], parts[0]))

    def returned(self, old: Tensor, new: Tensor, *parts: Tensor) -> Tensor:
        """Tangent vector of the way back, as it is with rounding on real fields."""
        return old - new if self.theory.manifold.flat else -sum(parts[1:], parts[0])


@dataclass(frozen=True)
class Proposed:
    """Target of a process at one level: e^{−S} of the wanted theory, with the network's score as the drift."""

    process: Annealed
    level: Tensor

    def at(self, fields: Tensor) -> Chains:
        """Evaluate the wanted action and the score."""
        return Chains(fields, self.process.action(fields), self.process.pull(fields, self.level) / self.level**2)

    def shifted(self, fields: Tensor, *parts: Tensor) -> Tensor:
        """Move fields as the process does."""
        return self.process.shifted(fields, *parts)

    def returned(self, old: Tensor, new: Tensor, *parts: Tensor) -> Tensor:
        """Tangent vector of the way back, as the process has it."""
        return self.process.returned(old, new, *parts)


def adjusted(target: Target, old: Chains, size: Any, normal: Tensor, uniform: Tensor) -> tuple[Chains, Tensor]:
    """Step along ε F + √(2ε) z, taken with probability min(1, e^{−ΔS} q(U|U′)/q(U′|U)).

    Args:
        target: action, drift and motion.
        old: the chains before the step.
        size: the step ε.
        normal: the noise z, (n, *tangent).
        uniform: numbers in [0, 1) that decide, (n,).

    Returns:
        The chains after the step, and whether each moved, (n,).
    """
    parts = size * old.drift, (2 * size) ** 0.5 * normal
    new = target.at(target.shifted(old.fields, *parts))
    back = target.returned(old.fields, new.fields, *parts) - size * new.drift
    ratio = old.action - new.action
    ratio = ratio + total(normal**2) / 2 - total(back**2) / (4 * size)
    moved = torch.log(uniform) < ratio
    return chosen(moved, new, old), moved.to(old.action)


def trajectory(
    count: int, target: Target, old: Chains, size: float, normal: Tensor, uniform: Tensor
) -> tuple[Chains, Tensor]:
    """Take `count` leapfrog steps √(2ε) from momenta z, accepted with min(1, e^{−ΔH}); as `adjusted` for one step."""
    width, new = (2 * size) ** 0.5, old
    momentum = normal + width / 2 * old.drift
    for i in range(count):
        new = target.at(target.shifted(new.fields, width * momentum))
        momentum = momentum + (width if i < count - 1 else width / 2) * new.drift
    moved = torch.log(uniform) < old.action - new.action + total(normal**2) / 2 - total(momentum**2) / 2
    return chosen(moved, new, old), moved.to(old.action)


@dataclass(frozen=True)
class Stage:
    """Steps that keep one target.

    Attributes:
        target: the density that they keep.
        size: the step ε.
        normal: number of the first step's noise.
        uniform: number of the first decision.
        count: number of the steps.
    """

    target: Target
    size: Tensor
    normal: int
    uniform: int
    count: int

    def run(self, chains: Chains, process: Annealed, numbers: RandomNumbers) -> tuple[Chains, Tensor]:
        """Take the steps; also the share of them that were accepted, (n,)."""
        share = torch.zeros_like(chains.action)
        for i in range(self.count):
            normal, uniform = process.kick(numbers.normal(self.normal + i)), numbers.uniform(self.uniform + i)
            chains, moved = adjusted(self.target, chains, self.size, normal, uniform)
            share = share + moved / self.count
        return chains, share


def adjust(
    process: Annealed, fields: Tensor, stages: Sequence[Stage], numbers: RandomNumbers
) -> tuple[Tensor, list[Tensor]]:
    """Take fields through stages: new fields, and the acceptance of each stage, (n,)."""
    shares = []
    for stage in stages:
        chains, share = stage.run(stage.target.at(fields), process, numbers)
        fields = chains.fields
        shares.append(share)
    return fields, shares


def chosen(first: Tensor, one: Chains, other: Chains) -> Chains:
    """Take the chains of `one` where `first` (n,) is true, of `other` elsewhere."""
    pairs = ((one.fields, other.fields), (one.action, other.action), (one.drift, other.drift))
    return Chains(*(torch.where(first.reshape(-1, *(1,) * (a.dim() - 1)), a, b) for a, b in pairs))


def added(fields: Tensor, *parts: Tensor) -> Tensor:
    """Add tangent vectors to fields in a linear space, one after the other."""
    for part in parts:
        fields = fields + part
    return fields


def total(values: Tensor) -> Tensor:
    """Sum over all but the first axis, (n,)."""
    return values.sum(tuple(range(1, values.dim())))
