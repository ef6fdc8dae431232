"""Predictor–corrector: a reverse-diffusion step, then Langevin steps at the new level (2011.13456, algorithm 2).

Predictor: y' = y + (s² − s'²) ∇log p_s + √(s² − s'²) z. Corrector: y ← y + ε ∇log p + √(2ε) z with
ε = 2 (snr ‖z‖/‖∇log p‖)². The norms are those expected of a Gaussian of the data's spectrum, V and Σ_k 1/(G_k + s²):
a step size that looked at its own noise or at the other draws of a batch would be biased or depend on the batch.
A mode or peak of precision k comes out with its variance times 1/(1 − snr² k/⟨k⟩), ⟨k⟩ that Gaussian's mean
precision: the 0.16 published for images makes the peaks of two Gaussians at ±1 of width 1/4, k/⟨k⟩ = 17, wider by 77 %.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.samplers._base import MOST_STEPS
from sqcli.diffusion.samplers._ladder import LadderSampler, Rung
from sqcli.parameters import require_count


@dataclass(frozen=True)
class PredictorCorrector(LadderSampler):
    """Stochastic sampler with Langevin corrections at each level.

    Attributes:
        n_correct: Langevin steps per level.
        snr: signal-to-noise ratio that sets their size; small enough for peaks far narrower than the whole.
    """

    n_steps: int = 500
    n_correct: int = 1
    snr: float = 0.04

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("n_correct", self.n_correct, 0, MOST_STEPS)
        if self.snr <= 0:
            raise ValueError(f"snr must be positive, not {self.snr}")

    def step(self, rung: Rung, y: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Take a predictor step, then correctors."""
        uses, high, low = 1 + self.n_correct, rung.high, rung.low
        y = y + (1 - (low / high) ** 2) * (rung.denoise(y, high) - y)
        y = y + torch.sqrt(high**2 - low**2) * rung.normal(uses)
        for i in range(self.n_correct):
            size = self._size(rung)
            score = (rung.denoise(y, low) - y) / low**2
            y = y + size * score + torch.sqrt(2 * size) * rung.normal(uses, 1 + i)
        return y, None

    def _size(self, rung: Rung) -> Tensor:
        """Step ε of the corrector: () or (n, 1, …)."""
        inverse = rung.denoiser.mask / (rung.denoiser.spectrum(rung.given) + rung.low**2)
        return 2 * self.snr**2 * rung.denoiser.freedoms / inverse.sum(tuple(range(1, inverse.dim())), keepdim=True)
