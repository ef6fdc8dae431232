"""Implicit score matching: E [½ ‖s_θ‖² + ∇·s_θ] (Hyvärinen 2005; 2411.11297 eq. 18, where the sum must not be squared).

Taken at every noise level on y = x₀ + s z, times 2 s² and per mode: it then differs from denoising score matching with
the weight `sigma2` by a constant that no network changes. No target is needed, but a divergence, with gradients.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from sqcli.diffusion.objectives._noising import draw_levels, mean_square, noisy
from sqcli.diffusion.process.denoiser import Denoiser, denoiser_of
from sqcli.diffusion.process.protocol import ImplicitLoss, Process
from sqcli.errors import UsageError


@dataclass(frozen=True)
class Implicit:
    """Parameters of implicit score matching.

    Attributes:
        levels: `log`, uniform in ln s, or `schedule`, times uniform between t_min and t_max.
        divergence: `exact`, one derivative per site, or `hutchinson`, an unbiased estimate with random signs
            (its noise does not shift the minimum).
        probes: number of random signs in an estimate.
    """

    levels: Literal["log", "schedule"] = "log"
    divergence: Literal["hutchinson", "exact"] = "hutchinson"
    probes: int = 1

    def __post_init__(self) -> None:
        if self.probes < 1:
            raise ValueError("probes must be positive")

    def loss(self, process: Process, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Compute the loss per mode of y or tangent direction, (n,); negative where the score is good."""
        if isinstance(process, ImplicitLoss):
            if self.levels != "log" or self.divergence != "hutchinson":
                raise UsageError("objective ism: of links the levels are even in log s, and the divergence hutchinson")
            return process.implicit_loss(x0, generator, self.probes)
        denoiser = denoiser_of(process)
        x, given, _ = denoiser.split(x0)
        level = draw_levels(denoiser, len(x), self.levels, generator)
        y = noisy(denoiser, x, level, generator)
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            denoised = denoiser.denoise(y, level, given)
            trace = torch.zeros_like(level)
            for probe, share in self._probes(denoiser, y, generator):
                (pulled,) = torch.autograd.grad(denoised, y, probe, create_graph=True)
                trace = trace + share * (probe * pulled).flatten(1).sum(1)
        score = (denoised - y.detach()) / level.reshape(-1, *(1,) * (y.dim() - 1)) ** 2
        freedoms = max(denoiser.freedoms, 1)
        divergence = (trace / freedoms - denoiser.freedoms / freedoms) / level**2
        return level**2 * (mean_square(denoiser, score) + 2 * divergence)

    def _probes(self, denoiser: Denoiser, y: Tensor, generator: Generator) -> Iterator[tuple[Tensor, float]]:
        """Yield directions v in which vᵀ J v is summed, with factors; without the mode that y does not hold."""
        if self.divergence == "exact":
            for site in range(y[0].numel()):
                unit = torch.zeros_like(y).flatten(1)
                unit[:, site] = 1.0
                yield denoiser.project(unit.reshape(y.shape)), 1.0
        for _ in range(self.probes if self.divergence == "hutchinson" else 0):
            signs = torch.randint(2, y.shape, generator=generator, device=y.device).to(y) * 2 - 1
            yield denoiser.project(signs), 1.0 / self.probes
