"""One-plaquette network for two-dimensional U(1): corrections of a quadrature, one net for all couplings and volumes.

With C = σ²s²/(σ² + s²) and m = C y/s² the posterior of y₀ is N(m, C) times r(y₀) = p̃(y₀) e^{y₀²/2σ²}, a factor near 1;
its moments by Gauss–Hermite quadrature, the weights times r and normalised, are what the network begins from. With
many nodes they are exact, and little is left to learn. The network adds an odd function to the mean and an even one to
the logarithm of the variance. Away from couplings that it was trained on, its part fades out.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._base import Problem
from sqcli.diffusion.nets._plaquettes import PlaquetteContext, PlaquetteMoments, PlaquetteNet
from sqcli.diffusion.nets._preconditioned import require_sizes
from sqcli.errors import UsageError
from sqcli.lattice.manifold import AngleLinks

MOST_NODES = 128
FADING = 0.3  # in ln β
SMALL = 0.1  # unit of corrections: steps of the optimiser are of unit size, however good the quadrature is
RATIOS = (0.1, 6.0)  # noise levels in units of σ that the network tells apart
TOLD = 5  # numbers that the network is told of level and coupling
FEATURES = 4  # functions of m that the network sees


@dataclass(frozen=True)
class OnePlaquette:
    """Sizes of a one-plaquette network.

    Attributes:
        width: neurons of a layer.
        nodes: nodes of the quadrature that it corrects.
    """

    width: int = 32
    nodes: int = 32

    def __post_init__(self) -> None:
        require_sizes(width=self.width)
        if not 2 <= self.nodes <= MOST_NODES:
            raise ValueError(f"nodes must lie between 2 and {MOST_NODES}, not {self.nodes}")

    def check(self, problem: Problem) -> None:
        """UsageError unless the theory is U(1) in two dimensions."""
        manifold, dimension = problem.theory.manifold, problem.lattice.dimension
        if not isinstance(manifold, AngleLinks) or dimension != 2:
            raise UsageError(f"the net plaquette is for u1 in two dimensions, not {manifold.name} in {dimension}")

    def build(self, problem: Problem) -> PlaquetteNet:
        """Build the network; it begins as the quadrature alone."""
        return _Corrected(self)


class _Corrected(PlaquetteNet):
    """Quadrature with learnt corrections."""

    def __init__(self, sizes: OnePlaquette) -> None:
        super().__init__()
        self.nodes = sizes.nodes
        self.inputs = nn.Linear(FEATURES, sizes.width)
        self.hidden = nn.ModuleList(nn.Linear(sizes.width, sizes.width) for _ in range(2))
        self.told = nn.Sequential(nn.Linear(TOLD, sizes.width), nn.SiLU(), nn.Linear(sizes.width, 4 * sizes.width))
        self.outputs = nn.Linear(sizes.width, 2)
        nn.init.zeros_(self.outputs.weight)
        nn.init.zeros_(self.outputs.bias)

    def forward(self, y: Tensor, level: Tensor, context: PlaquetteContext) -> PlaquetteMoments:
        """Estimate moments given y (n, m), float64, at the levels (n,)."""
        ratio = level[:, None] ** 2 / context.width2
        keep = ratio / (1 + ratio)
        centre, spread2 = y / (1 + ratio), context.width2 * keep
        found = quadrature(centre, spread2, context, self.nodes)
        told = self.told(_told(ratio, context).to(self.dtype))
        there, mirrored = (self._body(sign * centre, told, context) for sign in (1, -1))
        part = SMALL * keep * math.exp(-((math.log(context.beta / context.beta_trained) / FADING) ** 2) / 2)
        odd, even = part * (there - mirrored)[..., 0], part * (there + mirrored)[..., 1]
        return PlaquetteMoments(
            found.mean + spread2 / context.width2**0.5 * odd, found.variance * torch.tanh(even).exp()
        )

    def _body(self, centre: Tensor, told: Tensor, context: PlaquetteContext) -> Tensor:
        """Two numbers for each centre m (n, m), double precision: (n, m, 2)."""
        features = [centre / context.width2**0.5, centre.sin(), (2 * centre).sin(), centre.cos()]
        scale, shift, next_scale, next_shift = told[:, None].chunk(4, -1)
        h = self.inputs(torch.stack(features, -1).to(self.dtype))
        h = nn.functional.silu(h * (1 + scale) + shift)
        h = h + nn.functional.silu(self.hidden[0](h) * (1 + next_scale) + next_shift)
        return self.outputs(h + nn.functional.silu(self.hidden[1](h))).to(centre.dtype)  # type: ignore[no-any-return]


def quadrature(centre: Tensor, spread2: Tensor, context: PlaquetteContext, nodes: int) -> PlaquetteMoments:
    """PlaquetteMoments of the density N(m, C) r by Gauss–Hermite nodes; m (n, m), C broadcasts to it."""
    at, log_weight = (torch.from_numpy(part).to(centre) for part in _nodes(nodes))
    y = centre[..., None] + spread2.sqrt()[..., None] * at
    weight = torch.softmax(context.log_density(y) + y**2 / (2 * context.width2) + log_weight, -1)
    mean = (weight * at).sum(-1)
    return PlaquetteMoments(centre + spread2.sqrt() * mean, spread2 * ((weight * at**2).sum(-1) - mean**2))


@lru_cache
def _nodes(count: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    """Nodes of Gauss–Hermite quadrature for N(0, 1), and logarithms of their weights."""
    at, weight = np.polynomial.hermite_e.hermegauss(count)
    return at, np.log(weight)


def _told(ratio: Tensor, context: PlaquetteContext) -> Tensor:
    """Numbers of level and coupling, (n, TOLD), with levels kept to what the network tells apart."""
    ratio = ratio.clamp(RATIOS[0] ** 2, RATIOS[1] ** 2)
    width2 = torch.full_like(ratio, context.width2)
    return torch.cat([ratio.log(), ratio / (1 + ratio), width2, width2.log(), 1 / context.beta + 0 * ratio], 1)
