"""U-Net 32-64-128-256 with Gaussian Fourier features of t, GroupNorm and SiLU, output over σ(t) (2309.17082).

Three levels of stride 2 down and up with skips, as in the tutorial to 2011.13456 that was used there. Different from
it: convolutions are periodic instead of padded with zeros, and the way up repeats sites to the skip's extents before it
convolves instead of transposed convolutions, so that the boundary is nowhere and any extents will do.
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
class UNet:
    """Sizes of the published network.

    Attributes:
        channels: channels of the first level; they double from level to level.
        embedding: width of the time features.
        z2: whether the network is odd under φ → −φ.
        scaling: `published` for F(x_t, t)/σ(t), or `edm`.
    """

    channels: int = 32
    embedding: int = 256
    z2: bool = False
    scaling: Literal["published", "edm"] = "published"

    def __post_init__(self) -> None:
        require_sizes(channels=self.channels, embedding=self.embedding)
        if self.channels % 4 or self.embedding % 2:
            raise ValueError("channels must be a multiple of 4, embedding even")

    def check(self, problem: Problem) -> None:
        """UsageError unless the field is real, in one to three dimensions."""
        require_scalar("unet", problem, DIMENSIONS)

    def build(self, problem: Problem) -> Net:
        """Build the network with PyTorch's initial weights."""
        core = _Core(self, problem.lattice.dimension, len(problem.couplings))
        return Preconditioned(core, problem.schedule, self.scaling, self.z2)


class _Core(nn.Module):
    """Function F of the preconditioned network."""

    def __init__(self, sizes: UNet, dimension: int, couplings: int) -> None:
        super().__init__()
        widths = [sizes.channels * 2**level for level in range(4)]
        scale = 30.0 if sizes.scaling == "published" else 1.0
        self.told = Conditioning(couplings, sizes.embedding, scale)
        self.lift = _Level(dimension, 1, widths[0], sizes.embedding, stride=1)
        self.down = nn.ModuleList(_Level(dimension, a, b, sizes.embedding, stride=2) for a, b in pairwise(widths))
        inputs = [widths[3], 2 * widths[2], 2 * widths[1]]
        outputs = [widths[2], widths[1], widths[0]]
        self.up = nn.ModuleList(
            _Level(dimension, a, b, sizes.embedding, stride=1) for a, b in zip(inputs, outputs, strict=True)
        )
        self.last = convolution(dimension, 2 * widths[0], 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        told = self.told(told)
        skips = [self.lift(x[:, None], told)]
        for level in self.down:
            skips.append(level(skips[-1], told))
        h = skips.pop()
        for level in self.up:
            skip = skips.pop()
            h = torch.cat([level(enlarged(h, skip.shape[2:]), told), skip], 1)
        found: Tensor = self.last(h)[:, 0]
        return found


class _Level(nn.Module):
    """Convolution, time added, GroupNorm, SiLU."""

    def __init__(self, dimension: int, inputs: int, outputs: int, embedding: int, stride: int) -> None:
        super().__init__()
        self.convolve = convolution(dimension, inputs, outputs, stride)
        self.time = nn.Linear(embedding, outputs)
        self.norm = nn.GroupNorm(4 if outputs < 64 else 32, outputs)

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        h = self.convolve(h)
        return nn.functional.silu(self.norm(h + along(self.time(told), h)))
