"""U-Net on the bare angles of links, θ/π, as published for U(1) (2502.05504); for comparison only.

It is neither gauge covariant nor periodic in θ, and knows rotations and reflections only as far as it has learnt them;
the convolutions are periodic, as in `unet`. The score is F(θ/π, t)/s, at another coupling times β/β₀: the published
rule, exact only as s → 0. It has no curvature to offer: that is 0.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.nets._base import Problem
from sqcli.diffusion.nets._coupling import known_coupling
from sqcli.diffusion.nets._encoder import PUBLISHED_SCALE, Encoder
from sqcli.diffusion.nets._layers import DIMENSIONS
from sqcli.diffusion.nets._links import LinkContext, LinkNet, LinkScore, require_angles
from sqcli.diffusion.nets._preconditioned import require_sizes


@dataclass(frozen=True)
class LinkUNet:
    """Sizes of the published network.

    Attributes:
        channels: channels of the first level; they double from level to level.
        embedding: width of the time features.
    """

    channels: int = 32
    embedding: int = 256

    def __post_init__(self) -> None:
        require_sizes(channels=self.channels, embedding=self.embedding)
        if self.channels % 4 or self.embedding % 2:
            raise ValueError("channels must be a multiple of 4, embedding even")

    def check(self, problem: Problem) -> None:
        """UsageError unless the theory has angles on its links, in two or three dimensions."""
        require_angles("linkunet", problem, range(2, DIMENSIONS.stop))

    def build(self, problem: Problem) -> LinkNet:
        """Build the network with PyTorch's initial weights."""
        return _Net(self, problem)


class _Net(LinkNet):
    def __init__(self, sizes: LinkUNet, problem: Problem) -> None:
        super().__init__()
        dimension, couplings = problem.lattice.dimension, len(problem.couplings)
        self.schedule, self.transfer = problem.schedule, "scaled" if couplings else "published"
        self.core = Encoder(sizes.channels, sizes.embedding, dimension, couplings, PUBLISHED_SCALE, dimension)

    def forward(self, links: Tensor, level: Tensor, context: LinkContext) -> LinkScore:
        level = level.double().clamp(min=self.schedule.level_min)
        told = torch.cat([self.schedule.time(level)[:, None], context.couplings.to(level)], 1).to(self.dtype)
        wrapped = links - 2 * math.pi * torch.ceil(links / (2 * math.pi) - 0.5)
        found = self.core((wrapped / math.pi).to(self.dtype), told).double()
        score = known_coupling(context, self.transfer)[1] * found / level.reshape(-1, *(1,) * (links.dim() - 1))
        return LinkScore(score, torch.zeros_like(score))
