"""Multilayer perceptron: [x, t] → 3 × (Dense 128, SiLU) → Dense 1 (2411.11297); on a lattice, site by site.

There every site sees itself and its distinct neighbours (none along an axis of one site, one along an axis of two).
The head `energy` makes the score a gradient: F = −∇ Σ_x e(x), with e the perceptron's output. A complex variable is
the pair (Re z, Im z), in and out (2510.01328); of the score of pairs only the head `energy` has no curl.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._base import Net, Problem
from sqcli.diffusion.nets._preconditioned import Preconditioned, require_scalar, require_sizes, require_variable
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import MAX_DIMENSION, Lattice


@dataclass(frozen=True)
class Perceptron:
    """Sizes of a perceptron for zero-dimensional models and small lattices.

    Attributes:
        width: neurons of a layer.
        layers: number of layers with SiLU.
        z2: whether the network is odd under φ → −φ.
        head: `score` for a free function, `energy` for a gradient.
        scaling: `edm`, or `published` for F/σ(t) of the plain input.
    """

    width: int = 128
    layers: int = 3
    z2: bool = False
    head: Literal["score", "energy"] = "score"
    scaling: Literal["edm", "published"] = "edm"

    def __post_init__(self) -> None:
        require_sizes(width=self.width, layers=self.layers)

    def check(self, problem: Problem) -> None:
        """UsageError unless the field is real, in any dimension, or one complex variable."""
        if _in_pairs(problem):
            require_variable("mlp", problem)
        else:
            require_scalar("mlp", problem, range(1, MAX_DIMENSION + 1))

    def build(self, problem: Problem) -> Net:
        """Build the network with PyTorch's initial weights."""
        kind, parts = (_OfPairs, 2) if _in_pairs(problem) else (Preconditioned, 1)
        told, free = 1 + len(problem.couplings), self.head == "score"
        sites = _Sites(self, problem.lattice, told, parts, parts if free else 1)
        return kind(sites if free else _Gradient(sites), problem.schedule, self.scaling, self.z2)


class _OfPairs(Preconditioned):
    """Frame of a perceptron of pairs, (n, 2, *extents)."""

    process: ClassVar[str] = "pairs"


class _Sites(nn.Module):
    """One perceptron at work on every site, from `parts` numbers there to `wanted`; the axis of one is left out."""

    def __init__(self, sizes: Perceptron, lattice: Lattice, told: int, parts: int, wanted: int) -> None:
        super().__init__()
        self.parts, self.wanted, extents = parts, wanted, lattice.extents
        self.steps = [(axis, step) for axis, n in enumerate(extents) for step in (1, -1)[: min(n - 1, 2)]]
        widths = [parts * (1 + len(self.steps)) + told] + [sizes.width] * sizes.layers
        self.layers = nn.Sequential(*_dense(widths), nn.Linear(sizes.width, wanted))

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        h = x.unsqueeze(-1) if self.parts == 1 else x.movedim(1, -1)
        near = [h, *(h.roll(-step, axis + 1) for axis, step in self.steps)]
        ones = (len(told), *(1,) * (h.dim() - 2), -1)
        inputs = torch.cat([*near, told.reshape(ones).expand(*h.shape[:-1], -1)], -1)
        found: Tensor = self.layers(inputs)
        return found.squeeze(-1) if self.wanted == 1 else found.movedim(-1, 1)


class _Gradient(nn.Module):
    """Minus the gradient of the sum over sites, also where gradients are switched off."""

    def __init__(self, energy: nn.Module) -> None:
        super().__init__()
        self.energy = energy

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        force: Tensor = torch.func.grad(lambda field: -self.energy(field, told).sum())(x)
        return force


def _in_pairs(problem: Problem) -> bool:
    """Tell whether the field is complex."""
    return isinstance(problem.theory.manifold, ComplexField)


def _dense(widths: list[int]) -> Iterator[nn.Module]:
    for inputs, outputs in pairwise(widths):
        yield nn.Linear(inputs, outputs)
        yield nn.SiLU()
