"""Slow mode first, a Wiener filter with field-dependent mass, and a compact odd net for what the interaction adds.

Given the magnetisation M the other modes have variances G_k(M); with C = G s²/(G + s²), the posterior variance,

    D(y, s) = C ⋆ (y/s² + N),   N ≈ E[R(x₀) | y, M],   R(x) = G⁻¹ ⋆ x − ∂S/∂x,

so that N is the residual force: 0 for Gaussian data, R itself as s → 0, local and of order one at every noise level.
The net sees the Wiener mean m = C ⋆ y/s² + M and is exact in the symmetries: odd under φ → −φ (odd functions, no
biases), translations, rotations and reflections (kernels that depend on the distance alone), for any extents.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from sqcli.diffusion._modes import filtered
from sqcli.diffusion.nets._base import Context, Net, Setting
from sqcli.errors import UsageError

FREQUENCIES = 8
MOST_DIMENSIONS = 3


@dataclass(frozen=True)
class Spectral:
    """The default network.

    Attributes:
        channels: width.
        blocks: depth; each block adds `reach` sites to the range of the residual force.
        reach: of one convolution.
        embedding: width of the conditioning on noise level, M² and couplings.
    """

    channels: int = 32
    blocks: int = 3
    reach: int = 1
    embedding: int = 64

    def __post_init__(self) -> None:
        if min(self.channels, self.blocks, self.embedding) < 1 or self.reach < 0:
            raise ValueError("channels, blocks and embedding must be positive, reach not negative")

    def check(self, setting: Setting) -> None:
        """Real scalar fields in one to three dimensions."""
        if setting.lattice.dimension > MOST_DIMENSIONS:
            raise UsageError(
                f"the net spectral exists up to {MOST_DIMENSIONS} dimensions, not {setting.lattice.dimension}"
            )

    def build(self, setting: Setting) -> Net:
        """With N = 0: the Wiener filter."""
        return _Net(self, setting)


class _Net(Net):
    slow_mode = True

    def __init__(self, sizes: Spectral, setting: Setting) -> None:
        super().__init__()
        inputs = 2 * FREQUENCIES + 2 + len(setting.couplings)
        self.embed = nn.Sequential(
            nn.Linear(inputs, sizes.embedding), nn.SiLU(), nn.Linear(sizes.embedding, sizes.embedding), nn.SiLU()
        )
        dimension = setting.lattice.dimension
        self.lift = nn.Linear(3, sizes.channels, bias=False)
        self.blocks = nn.ModuleList(_Block(sizes, dimension) for _ in range(sizes.blocks))
        self.out = nn.Linear(sizes.channels, 1, bias=False)
        self.direct = nn.Linear(sizes.embedding, 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.direct.weight)
        nn.init.zeros_(self.direct.bias)

    def forward(self, y: Tensor, level: Tensor, context: Context) -> Tensor:
        dimension = y.dim() - 1
        ones = (-1,) + (1,) * dimension
        s2 = (level**2).reshape(ones)
        posterior = context.spectrum * s2 / (context.spectrum + s2)
        posterior = posterior * _not_zero(posterior)
        given = context.given if context.given is not None else torch.zeros_like(level)
        wiener = filtered(y, posterior / s2, dimension)
        m = wiener + given.reshape(ones)
        told = self.embed(self._features(level, given, context.couplings))
        inputs = torch.stack([m, given.reshape(ones).expand_as(m), wiener], -1)
        h = self.lift(inputs).movedim(-1, 1)
        for block in self.blocks:
            h = block(h, told)
        a, b, c = self.direct(told).unbind(-1)
        force = torch.einsum("nc...,c->n...", h, self.out.weight[0])
        force = force + a.reshape(ones) * m + b.reshape(ones) * m**3 / (1 + 0.01 * m**2) + c.reshape(ones) * wiener
        return filtered(y / s2 + force, posterior, dimension)

    def _features(self, level: Tensor, given: Tensor, couplings: Tensor) -> Tensor:
        phase = level.log()[:, None] * 2.0 ** torch.arange(FREQUENCIES, device=level.device, dtype=level.dtype) * 0.1
        square = given[:, None] ** 2
        return torch.cat([phase.sin(), phase.cos(), square, torch.log1p(square), couplings], 1)


class _Block(nn.Module):
    """h + B act(A ⋆ h): a depthwise convolution that depends on the distance, odd functions, mixing of channels."""

    shell: Tensor

    def __init__(self, sizes: Spectral, dimension: int) -> None:
        super().__init__()
        steps = list(product(range(-sizes.reach, sizes.reach + 1), repeat=dimension))
        shells = sorted({tuple(sorted(map(abs, step))) for step in steps})
        self.register_buffer(
            "shell", torch.tensor([shells.index(tuple(sorted(map(abs, s)))) for s in steps]), persistent=False
        )
        self.reach, self.dimension, width = sizes.reach, dimension, sizes.channels
        self.radial = nn.Parameter(torch.randn(width, len(shells)) / len(steps) ** 0.5)
        self.mix = nn.Linear(width, width, bias=False)
        self.back = nn.Linear(width, width, bias=False)
        self.modulation = nn.Linear(sizes.embedding, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        ones = (len(told), -1, *(1,) * self.dimension)
        gain, gate = (part.reshape(ones) for part in self.modulation(told).chunk(2, 1))
        near = self._convolve(h)
        u = torch.einsum("nc...,dc->nd...", near, self.mix.weight) * (1 + gain)
        act = u * (gate + 1 - 1 / (1 + u * u))
        return h + torch.einsum("nc...,dc->nd...", act, self.back.weight)

    def _convolve(self, h: Tensor) -> Tensor:
        size = 2 * self.reach + 1
        kernel = self.radial[:, self.shell].reshape(-1, 1, *(size,) * self.dimension)
        padded = _wrapped(h, self.reach, self.dimension)
        convolve: Any = (nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d)[self.dimension - 1]
        found: Tensor = convolve(padded, kernel, groups=len(self.radial))
        return found


def _wrapped(h: Tensor, reach: int, dimension: int) -> Tensor:
    """Periodic images of `reach` sites on each side, also on lattices smaller than that."""
    if min(h.shape[2:]) >= reach:
        return nn.functional.pad(h, (reach, reach) * dimension, mode="circular")
    for axis in range(2, 2 + dimension):
        extent = h.shape[axis]
        index = torch.arange(-reach, extent + reach, device=h.device) % extent
        h = h.index_select(axis, index)
    return h


def _not_zero(spectrum: Tensor) -> Tensor:
    """1 but for the mode k = 0."""
    mask = torch.ones(spectrum.shape[1:], dtype=spectrum.dtype, device=spectrum.device)
    mask[(0,) * mask.dim()] = 0
    return mask
