"""Residual network on several scales, after NCSN++ (2011.13456), preconditioned as in 2206.00364.

Blocks h + B silu(norm(A silu(norm(h)) · (1 + γ) + β)), γ and β from the noise level and the couplings; scales follow
one another by stride 2, and the way up adds the skip of each scale. All convolutions are periodic. The network is not
bound to an extent: trained on several lattices it serves others as well.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._base import Net, Problem
from sqcli.diffusion.nets._layers import DIMENSIONS, Conditioning, along, convolution, enlarged
from sqcli.diffusion.nets._preconditioned import Preconditioned, require_scalar, require_sizes


@dataclass(frozen=True)
class Ncsnpp:
    """Sizes of the network.

    Attributes:
        channels: channels of the finest scale; they double at the second and stay.
        blocks: residual blocks on each scale, down and up.
        scales: how often the extents are halved.
        embedding: width of the conditioning.
        z2: whether the network is odd under φ → −φ.
        scaling: `edm`, or `published` for F(x_t, t)/σ(t).
    """

    channels: int = 32
    blocks: int = 2
    scales: int = 3
    embedding: int = 128
    z2: bool = True
    scaling: Literal["edm", "published"] = "edm"

    def __post_init__(self) -> None:
        require_sizes(channels=self.channels, blocks=self.blocks, scales=self.scales, embedding=self.embedding)
        if self.channels % 4 or self.embedding % 2 or self.scales > 10:
            raise ValueError("channels must be a multiple of 4, embedding even, scales at most 10")

    def check(self, problem: Problem) -> None:
        """UsageError unless the field is real, in one to three dimensions."""
        require_scalar("ncsnpp", problem, DIMENSIONS)

    def build(self, problem: Problem) -> Net:
        """Build the network with F = 0, the best linear denoiser for white data."""
        core = _Core(self, problem.lattice.dimension, len(problem.couplings))
        return Preconditioned(core, problem.schedule, self.scaling, self.z2)


class _Core(nn.Module):
    """Function F of the preconditioned network."""

    def __init__(self, sizes: Ncsnpp, dimension: int, couplings: int) -> None:
        super().__init__()
        widths = [sizes.channels] + [2 * sizes.channels] * sizes.scales
        self.told = Conditioning(couplings, sizes.embedding, 30.0 if sizes.scaling == "published" else 1.0)
        self.lift = convolution(dimension, 1, widths[0])
        self.down = nn.ModuleList(_blocks(sizes, dimension, width) for width in widths)
        self.narrow = nn.ModuleList(convolution(dimension, a, b, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(_blocks(sizes, dimension, width) for width in widths[:-1])
        self.widen = nn.ModuleList(convolution(dimension, b, a) for a, b in pairwise(widths))
        self.last = convolution(dimension, widths[0], 1)
        nn.init.zeros_(self.last.weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        told = self.told(told)
        h, skips = _through(self.down[0], self.lift(x[:, None]), told), []
        for narrow, blocks in zip(self.narrow, self.down[1:], strict=True):
            skips.append(h)
            h = _through(blocks, narrow(h), told)
        for widen, blocks, skip in zip(reversed(self.widen), reversed(self.up), reversed(skips), strict=True):
            h = _through(blocks, widen(enlarged(h, skip.shape[2:])) + skip, told)
        found: Tensor = self.last(nn.functional.silu(h))[:, 0]
        return found


def _blocks(sizes: Ncsnpp, dimension: int, width: int) -> nn.ModuleList:
    return nn.ModuleList(_Block(dimension, width, sizes.embedding) for _ in range(sizes.blocks))


def _through(blocks: nn.Module, h: Tensor, told: Tensor) -> Tensor:
    for block in blocks.children():
        h = block(h, told)
    return h


class _Block(nn.Module):
    """Residual block, modulated by what the network is told."""

    def __init__(self, dimension: int, width: int, embedding: int) -> None:
        super().__init__()
        self.first, self.second = convolution(dimension, width, width), convolution(dimension, width, width)
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2))
        self.modulation = nn.Linear(embedding, 2 * width)

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        gain, shift = (along(part, h) for part in torch.chunk(self.modulation(told), 2, 1))
        inner = self.first(nn.functional.silu(self.norms[0](h)))
        inner = self.norms[1](inner) * (1 + gain) + shift
        found: Tensor = h + self.second(nn.functional.silu(inner))
        return found
