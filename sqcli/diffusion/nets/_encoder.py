"""Encoder and decoder of the published U-Net: three levels of stride 2 down and up, with skips (2309.17082)."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._layers import Conditioning, along, convolution, enlarged

PUBLISHED_SCALE = 30.0  # of the time features' frequencies


class Encoder(nn.Module):
    """Map from fields and [noise, couplings] to as many fields, or from one field without an axis to one.

    Args:
        channels: channels of the first level; they double from level to level.
        embedding: width of the time features.
        dimension: number of axes of the lattice.
        couplings: how many couplings the network is told.
        scale: of the frequencies of the time features.
        fields: number of fields; None for one without an axis.
    """

    def __init__(
        self, channels: int, embedding: int, dimension: int, couplings: int, scale: float, fields: int | None = None
    ) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(4)]
        self.single = fields is None
        self.told = Conditioning(couplings, embedding, scale)
        self.lift = _Level(dimension, fields or 1, widths[0], embedding, stride=1)
        self.down = nn.ModuleList(_Level(dimension, a, b, embedding, stride=2) for a, b in pairwise(widths))
        inputs = [widths[3], 2 * widths[2], 2 * widths[1]]
        outputs = [widths[2], widths[1], widths[0]]
        self.up = nn.ModuleList(
            _Level(dimension, a, b, embedding, stride=1) for a, b in zip(inputs, outputs, strict=True)
        )
        self.last = convolution(dimension, 2 * widths[0], fields or 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Map x (n, [fields,] *extents) and told (n, 1 + couplings) to the shape of x."""
        told = self.told(told)
        skips = [self.lift(x[:, None] if self.single else x, told)]
        for level in self.down:
            skips.append(level(skips[-1], told))
        h = skips.pop()
        for level in self.up:
            skip = skips.pop()
            h = torch.cat([level(enlarged(h, skip.shape[2:]), told), skip], 1)
        found: Tensor = self.last(h)
        return found[:, 0] if self.single else found


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
