"""Layers of networks that keep the symmetries of a scalar lattice theory: odd in the field, isotropic, periodic.

Functions without even parts and without biases keep φ → −φ; convolution kernels that depend on the shell of the step
alone (the multiset of its |components|) keep rotations and reflections; periodic images keep translations.
"""

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

FREQUENCIES = 8
TOLD = 2 * FREQUENCIES + 2  # numbers of `conditions` beside the couplings


class Isotropic(nn.Module):
    """Depthwise convolution of each channel, the same in all directions of the lattice."""

    shell: Tensor

    def __init__(self, width: int, reach: int, dimension: int) -> None:
        super().__init__()
        steps = [tuple(sorted(map(abs, step))) for step in product(range(-reach, reach + 1), repeat=dimension)]
        shells = sorted(set(steps))
        self.register_buffer("shell", torch.tensor([shells.index(step) for step in steps]), persistent=False)
        self.reach, self.dimension = reach, dimension
        self.radial = nn.Parameter(torch.randn(width, len(shells)) / len(steps) ** 0.5)

    def convolved(self, h: Tensor) -> Tensor:
        """Convolve fields h (n, channels, *extents)."""
        size = 2 * self.reach + 1
        kernel = self.radial[:, self.shell].reshape(-1, 1, *(size,) * self.dimension)
        convolve: Any = (nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d)[self.dimension - 1]
        found: Tensor = convolve(wrapped(h, self.reach, self.dimension), kernel, groups=len(self.radial))
        return found


class OddBlock(Isotropic):
    """Residual block h + B act(A ⋆ h): a depthwise isotropic convolution, an odd function, mixing of channels.

    The function is u ↦ u (g + u²/(1 + u²)), cubic for small and linear for large u; A is scaled and g given by what
    the block is told.
    """

    def __init__(self, width: int, told: int, reach: int, dimension: int) -> None:
        super().__init__(width, reach, dimension)
        self.mix = nn.Linear(width, width, bias=False)
        self.back = nn.Linear(width, width, bias=False)
        self.modulation = nn.Linear(told, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        """Apply the block to fields h (n, channels, *extents), told (n, features)."""
        ones = (len(told), -1, *(1,) * self.dimension)
        gain, gate = (part.reshape(ones) for part in self.modulation(told).chunk(2, 1))
        u = mixed(self.convolved(h), self.mix.weight) * (1 + gain)
        return h + mixed(u * (gate + 1 - 1 / (1 + u * u)), self.back.weight)


def mixed(h: Tensor, weight: Tensor) -> Tensor:
    """Mix channels at every site, Σ_c w_dc h_c: (n, c, *extents), (d, c) -> (n, d, *extents)."""
    return torch.einsum("nc...,dc->nd...", h, weight)


def wrapped(h: Tensor, reach: int, dimension: int) -> Tensor:
    """Add periodic images of `reach` sites on each side, also on lattices smaller than that."""
    if min(h.shape[2:]) >= reach:
        return nn.functional.pad(h, (reach, reach) * dimension, mode="circular")
    for axis in range(2, 2 + dimension):
        extent = h.shape[axis]
        index = torch.arange(-reach, extent + reach, device=h.device) % extent
        h = h.index_select(axis, index)
    return h


def conditions(level: Tensor, given: Tensor, couplings: Tensor) -> Tensor:
    """Features that blocks are told, even in the field: phases of ln s in octaves, M², couplings: (n, TOLD + c)."""
    octaves = 2.0 ** torch.arange(FREQUENCIES, device=level.device, dtype=level.dtype)
    phase, square = 0.1 * level.log()[:, None] * octaves, given[:, None] ** 2
    return torch.cat([phase.sin(), phase.cos(), square, torch.log1p(square), couplings], 1)
