"""Random noise levels and noise of the objectives, and the weights of their errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Generator, Tensor

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.protocol import Process


def draw_levels(denoiser: Denoiser, n: int, how: str, generator: Generator) -> Tensor:
    """Draw noise levels of n configurations, stratified (one in each n-th of the range): (n,), float64.

    Args:
        denoiser: the denoiser whose schedule and device count.
        n: number of levels.
        how: `log`, uniform in ln s between the schedule's ends, or `schedule`, uniform in t.
        generator: source of the random numbers.
    """
    schedule = denoiser.schedule
    quantile = stratified(denoiser, n, generator)
    if how == "schedule":
        return schedule.level(schedule.t_min + quantile * (schedule.t_max - schedule.t_min))
    low, high = log(schedule.level_min), log(schedule.level_max)
    return torch.exp(low + quantile * (high - low))


def stratified(process: Process, n: int, generator: Generator) -> Tensor:
    """Draw numbers in [0, 1), one in each n-th, in random order: (n,), float64."""
    quantile = torch.rand(n, generator=generator, dtype=torch.float64, device=process.device)
    return (torch.randperm(n, generator=generator, device=process.device) + quantile) / n


def noise_like(denoiser: Denoiser, x: Tensor, generator: Generator) -> Tensor:
    """Draw N(0, 1) in the modes that y holds."""
    return denoiser.project(torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=generator))


def noisy(denoiser: Denoiser, x: Tensor, level: Tensor, generator: Generator) -> Tensor:
    """Add noise: y = x + s z with levels (n,)."""
    return x + level.reshape(-1, *(1,) * (x.dim() - 1)) * noise_like(denoiser, x, generator)


def mean_square(denoiser: Denoiser, field: Tensor) -> Tensor:
    """Mean of ‖field‖² over the modes that y holds: (n,)."""
    found: Tensor = (field**2).flatten(1).sum(1) / max(denoiser.freedoms, 1)
    return found


def weight(denoiser: Denoiser, level: Tensor, weighting: str, cap: float) -> Tensor:
    """Weight of ‖D − x₀‖², (n,); an error of the score of y has the weight times s⁴.

    The weight `likelihood` is λ = g² for the score of x_t = α y, whose error is the denoiser's times α/σ² (2101.09258).
    """
    schedule = denoiser.schedule
    if weighting == "likelihood":
        t = schedule.time(level)
        return schedule.g2(t) * (schedule.alpha(t) / schedule.sigma(t) ** 2) ** 2
    inverse = 1 / level**2
    if weighting == "edm":
        return inverse + 1 / denoiser.spectrum(None).mean()
    return inverse.clamp(max=cap) if weighting == "snr" else inverse


@dataclass(frozen=True)
class GeneratorNumbers:
    """Random numbers of a generator for `count` draws."""

    count: int
    tangent: Sequence[int]
    device: torch.device
    generator: Generator

    def normal(self, step: int) -> Tensor:
        """Draw N(0, 1): (count, *tangent)."""
        shape = (self.count, *self.tangent)
        return torch.randn(shape, dtype=torch.float64, device=self.device, generator=self.generator)

    def uniform(self, step: int) -> Tensor:
        """Draw numbers in [0, 1): (count,)."""
        return torch.rand(self.count, dtype=torch.float64, device=self.device, generator=self.generator)
