"""Slow mode first, a Wiener filter with field-dependent mass, and a compact odd net for what the interaction adds.

Given the magnetisation M the other modes have variances G_k(M); with C = G s²/(G + s²), the posterior variance,

    D(y, s) = C ⋆ (y/s² + N),   N ≈ E[R(x₀) | y, M],   R(x) = G⁻¹ ⋆ x − ∂S/∂x,

so that N is the residual force: 0 for Gaussian data, R itself as s → 0, local and of order one at every noise level.
The net sees the Wiener mean m = C ⋆ y/s² + M and keeps all symmetries of the action exactly, for any extents. With the
head `energy` N = −∂E/∂m, and −log p_s(y | M) = ½ y·(G + s²)⁻¹ y + E + const: the effective action itself.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sqcli.diffusion.modes import filtered
from sqcli.diffusion.nets._base import Context, Net, Problem
from sqcli.diffusion.nets._odd import TOLD, OddBlock, conditions, mixed
from sqcli.diffusion.nets._preconditioned import require_real
from sqcli.errors import UsageError

MOST_DIMENSIONS = 3
SATURATION = 0.01  # the cubic term grows only linearly where m² exceeds the inverse of this


@dataclass(frozen=True)
class Spectral:
    """Sizes of the default network.

    Attributes:
        channels: width of the network.
        blocks: depth of the network; each block adds `reach` sites to the range of the residual force.
        reach: sites on each side that one convolution sees.
        embedding: width of the conditioning on noise level, M² and couplings.
        head: `score` for a free function, `energy` for a gradient.
    """

    channels: int = 32
    blocks: int = 3
    reach: int = 1
    embedding: int = 64
    head: Literal["score", "energy"] = "score"

    def __post_init__(self) -> None:
        if min(self.channels, self.blocks, self.embedding) < 1 or self.reach < 0:
            raise ValueError("channels, blocks and embedding must be positive, reach not negative")

    def check(self, problem: Problem) -> None:
        """UsageError unless the field is real, in one to three dimensions."""
        require_real("spectral", problem)
        if problem.lattice.dimension > MOST_DIMENSIONS:
            raise UsageError(f"the net spectral exists up to 3 dimensions, not {problem.lattice.dimension}")

    def build(self, problem: Problem) -> Net:
        """Build the network with N = 0, which is the Wiener filter."""
        return _Net(self, problem)


class _Net(Net):
    slow_mode = True

    def __init__(self, sizes: Spectral, problem: Problem) -> None:
        super().__init__()
        width, told, dimension = sizes.channels, sizes.embedding, problem.lattice.dimension
        self.energy_head = sizes.head == "energy"
        self.embed = nn.Sequential(
            nn.Linear(TOLD + len(problem.couplings), told), nn.SiLU(), nn.Linear(told, told), nn.SiLU()
        )
        self.lift = nn.Linear(2, width, bias=False)
        self.blocks = nn.ModuleList(OddBlock(width, told, sizes.reach, dimension) for _ in range(sizes.blocks))
        self.out = nn.Linear(width, 1, bias=False)
        self.direct = nn.Linear(told, 2)
        for silent in (self.out.weight, self.direct.weight, self.direct.bias):
            nn.init.zeros_(silent)

    def forward(self, y: Tensor, level: Tensor, context: Context) -> Tensor:
        m, given, told, posterior = self._seen(y, level, context)
        if self.energy_head:
            force = torch.func.grad(lambda field: -self._energy(field, given, told).sum())(m)
        else:
            linear, cubic = self._direct(told, m.dim())
            force = mixed(self._features(m, given, told), self.out.weight)[:, 0]
            force = force + m * (linear + cubic * m**2 / (1 + SATURATION * m**2))
        axes = tuple(range(1, y.dim()))
        s2 = (level**2).reshape(-1, *(1,) * len(axes))
        return filtered(y / s2 + force - force.mean(axes, keepdim=True), posterior, len(axes))

    def energy(self, y: Tensor, level: Tensor, context: Context) -> Tensor:
        """Interaction energy E of the head `energy`: (n,)."""
        m, given, told, _ = self._seen(y, level, context)
        return self._energy(m, given, told)

    def _seen(self, y: Tensor, level: Tensor, context: Context) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Input of the blocks: the Wiener mean m with M, M for broadcasting, conditioning, and C."""
        ones = (-1,) + (1,) * (y.dim() - 1)
        s2, g = (level**2).reshape(ones), context.spectrum
        posterior = g * s2 / (g + s2)
        slow = context.given if context.given is not None else torch.zeros_like(level)
        told = self.embed(conditions(level, slow, context.couplings))
        given = slow.reshape(ones)
        return filtered(y, posterior / s2, y.dim() - 1) + given, given, told, posterior

    def _features(self, m: Tensor, given: Tensor, told: Tensor) -> Tensor:
        h: Tensor = self.lift(torch.stack([m, given.expand_as(m)], -1)).movedim(-1, 1)
        for block in self.blocks:
            h = block(h, told)
        return h

    def _energy(self, m: Tensor, given: Tensor, told: Tensor) -> Tensor:
        linear, cubic = self._direct(told, m.dim())
        even = mixed(self._features(m, given, told) ** 2, self.out.weight)[:, 0]
        even = even - linear * m**2 / 2 - cubic * m**4 / (4 + SATURATION * m**2)
        return even.flatten(1).sum(1)

    def _direct(self, told: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
        linear, cubic = self.direct(told).unbind(-1)
        ones = (-1,) + (1,) * (dimensions - 1)
        return linear.reshape(ones), cubic.reshape(ones)
