"""Layers of convolutional nets on periodic lattices of any extents, in one to three dimensions."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

DIMENSIONS = range(1, 4)


def convolution(dimension: int, inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Module:
    """Build a convolution with periodic boundaries; stride 2 halves extents, rounded up."""
    kind: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dimension - 1]
    made: nn.Module = kind(inputs, outputs, size, stride, padding=size // 2, padding_mode="circular")
    return made


def enlarged(h: Tensor, extents: Sequence[int]) -> Tensor:
    """Repeat each site until the lattice has `extents` (twice as many, or one less)."""
    if tuple(h.shape[2:]) == tuple(extents):
        return h
    for axis, extent in enumerate(extents):
        if h.shape[2 + axis] != extent:
            h = h.repeat_interleave(2, 2 + axis).narrow(2 + axis, 0, extent)
    return h


class Fourier(nn.Module):
    """Fourier features [sin, cos](2π w n) of numbers n with fixed w ~ N(0, scale²) (2006.10739): (n,) -> (n, 2m)."""

    weights: Tensor

    def __init__(self, pairs: int, scale: float) -> None:
        super().__init__()
        self.register_buffer("weights", torch.randn(pairs) * scale)

    def forward(self, noise: Tensor) -> Tensor:
        """Compute the features of the numbers."""
        phase = noise[:, None] * self.weights * 2 * torch.pi
        return torch.cat([phase.sin(), phase.cos()], -1)


class Conditioning(nn.Module):
    """Embedding of the noise number and the couplings, [noise, couplings] (n, 1 + c) -> (n, width)."""

    def __init__(self, couplings: int, width: int, scale: float) -> None:
        super().__init__()
        self.fourier = Fourier(width // 2, scale)
        self.dense = nn.Linear(width // 2 * 2 + couplings, width)

    def forward(self, told: Tensor) -> Tensor:
        """Embed [noise, couplings]."""
        return nn.functional.silu(self.dense(torch.cat([self.fourier(told[:, 0]), told[:, 1:]], 1)))


def along(told: Tensor, h: Tensor) -> Tensor:
    """Add axes to features (n, c), so that they broadcast over the sites of h (n, c, *extents): (n, c, 1, …)."""
    return told.reshape(*told.shape, *(1,) * (h.dim() - 2))
