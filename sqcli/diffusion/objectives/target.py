"""Target score matching with control variates: regression on what the action already knows (cf. 2402.08667).

In equilibrium E[x₀ | y] = E[y + s² F(x₀) | y] with the force F = −∂S/∂x, so that for any weights w_k

    T = w ⋆ x₀ + (1 − w) ⋆ (y + s² F(x₀))

has the posterior mean as its conditional expectation. With w = s² H/(1 + s² H) and H the stiffness of the mode, T has
no variance at all for Gaussian theories, at any noise level, where x₀ alone (denoising score matching) has s² per mode
as s → 0; what is left to learn is the interaction. H is 1/G_k(M) for networks with a slow mode; for others ⟨F_k²⟩,
which is ⟨∂²S⟩_k in equilibrium, each half of a batch using the other half's mean so that w is independent of T.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from sqcli.diffusion.modes import filtered, modes
from sqcli.diffusion.objectives._noising import mean_square, noisy, stratified
from sqcli.diffusion.process.denoiser import Denoiser, euclidean
from sqcli.diffusion.process.paths import WIDEST, widest
from sqcli.diffusion.process.protocol import Process, TargetLoss


@dataclass(frozen=True)
class TargetScore:
    """Parameters of the default objective: weight 1/s², levels uniform in ln s, in two parts.

    Attributes:
        tail: share of the levels above three standard deviations of the widest mode, where little is to be learnt.
    """

    tail: float = 0.15

    def __post_init__(self) -> None:
        if not 0 <= self.tail <= 1:
            raise ValueError(f"tail must be in [0, 1], not {self.tail}")

    def loss(self, process: Process, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Compute the error against the target, a mean over the modes of y or over tangent directions: (n,)."""
        if isinstance(process, TargetLoss):
            return process.target_loss(x0, generator)
        denoiser = euclidean(process)
        x, given, _ = denoiser.split(x0)
        level = self._levels(denoiser, len(x), generator)
        y = noisy(denoiser, x, level, generator)
        error = denoiser.denoise(y, level, given) - target(denoiser, x0, y, level)
        return mean_square(denoiser, error) / level**2

    def _levels(self, denoiser: Denoiser, n: int, generator: Generator) -> Tensor:
        """Draw stratified noise levels, (n,)."""
        low, high = math.log(denoiser.schedule.level_min), math.log(denoiser.schedule.level_max)
        middle = min(max(math.log(WIDEST * widest(denoiser)), low), high)
        quantile = stratified(denoiser, n, generator)
        tail = self.tail if middle < high else 0.0
        below = low + quantile / max(1 - tail, 1e-9) * (middle - low)
        above = middle + (quantile - 1 + tail) / max(tail, 1e-9) * (high - middle)
        return torch.where(quantile < 1 - tail, below, above).exp()


def target(denoiser: Denoiser, x0: Tensor, y: Tensor, level: Tensor) -> Tensor:
    """Target T of the regression, from x₀ with its slow mode and y without it, (n, *extents); level (n,)."""
    lattice = denoiser.lattice
    x, given, _ = denoiser.split(x0)
    force = denoiser.scale * denoiser.theory.drift(denoiser.to_field(x0), lattice)
    s2 = (level**2).reshape(-1, *(1,) * lattice.dimension)
    stiffness = _other_half(modes(force, lattice.dimension) ** 2) if given is None else 1 / denoiser.spectrum(given)
    keep = stiffness * s2 / (1 + stiffness * s2)
    known = y + s2 * denoiser.project(force)
    return known + filtered(x - known, keep * denoiser.mask, lattice.dimension)


def _other_half(squares: Tensor) -> Tensor:
    """Mean, even in k, over the half of the batch that a configuration is not in, for each of them."""
    half = (len(squares) + 1) // 2
    axes = tuple(range(1, squares.dim()))
    even = (squares + torch.roll(squares.flip(axes), (1,) * len(axes), axes)) / 2
    if len(squares) == 1:
        return torch.ones_like(even)
    first, second = even[:half].mean(0), even[half:].mean(0)
    return torch.cat([second.expand_as(even[:half]), first.expand_as(even[half:])])
