"""Denoising score matching: E ‖D(x₀ + s z, s) − x₀‖² · weight(s)/V, minimised by the posterior mean (Vincent 2011).

Since score = (D − y)/s², the published loss E σ² ‖s_θ + z/σ‖² (2309.17082 eq. 3.12) is the weight 1/s² with times
uniform in [t_min, t_max]. Levels uniform in the logarithm spend as much on every octave of noise.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor, nn

from sqcli.diffusion.objectives._noising import draw_levels, mean_square, noisy, weight
from sqcli.diffusion.process.denoiser import Denoiser


@dataclass(frozen=True)
class Denoising:
    """Parameters of denoising score matching.

    Attributes:
        levels: `log`, uniform in ln s, or `schedule`, times uniform between t_min and t_max as published.
        weighting: `sigma2` 1/s² (λ = σ² in the score), `likelihood` g² (λ = g², times s-independent factors),
            `edm` 1/s² + 1/σ_d², `snr` 1/s² capped at `snr_cap`.
        snr_cap: largest weight of `snr`.
    """

    levels: Literal["log", "schedule"] = "log"
    weighting: Literal["edm", "sigma2", "likelihood", "snr"] = "edm"
    snr_cap: float = 5.0

    def __post_init__(self) -> None:
        if self.snr_cap <= 0:
            raise ValueError("snr_cap must be positive")

    def loss(self, denoiser: Denoiser, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Compute the weighted error of the denoiser, a mean over the modes of y: (n,)."""
        x, given, _ = denoiser.split(x0)
        level = draw_levels(denoiser, len(x), self.levels, generator)
        y = noisy(denoiser, x, level, generator)
        error = denoiser.denoise(y, level, given) - x
        return weight(denoiser, level, self.weighting, self.snr_cap) * mean_square(denoiser, error)
