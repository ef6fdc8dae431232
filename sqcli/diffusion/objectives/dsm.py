"""Denoising score matching: E ‖D(x₀ + s z, s) − x₀‖² · weight(s)/V, minimised by the posterior mean (Vincent 2011).

Since score = (D − y)/s², the published loss E σ² ‖s_θ + z/σ‖² (2309.17082 eq. 3.12) is the weight 1/s² with times
uniform in [t_min, t_max]. Levels uniform in the logarithm spend as much on every octave of noise.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor, nn

from sqcli.diffusion.objectives._noising import draw_levels, mean_square, noisy, weight
from sqcli.diffusion.process.denoiser import denoiser_of
from sqcli.diffusion.process.protocol import DenoisingLoss, Process
from sqcli.errors import UsageError


@dataclass(frozen=True)
class Denoising:
    """Parameters of denoising score matching.

    Attributes:
        levels: `log`, uniform in ln s, or `schedule`, times uniform between t_min and t_max as published.
        weighting: `sigma2` 1/s² (λ = σ² in the score), `likelihood` g² (λ = g², times s-independent factors),
            `edm` 1/s² + 1/σ_d², `snr` 1/s² capped at `snr_cap`.
        snr_cap: largest weight of `snr`.
        noise: of links: `exact` heat kernel, or `single_shot`, one exponential of Gaussian noise as published, whose
            score is taken for −η/s, which is wrong but for U(1) and small s.
    """

    levels: Literal["log", "schedule"] = "log"
    weighting: Literal["edm", "sigma2", "likelihood", "snr"] = "edm"
    snr_cap: float = 5.0
    noise: Literal["exact", "single_shot"] = "exact"

    def __post_init__(self) -> None:
        if self.snr_cap <= 0:
            raise ValueError("snr_cap must be positive")

    def loss(self, process: Process, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Compute the weighted error of the denoiser, a mean over the modes of y or over tangent directions: (n,)."""
        if isinstance(process, DenoisingLoss):
            if self.levels != "log" or self.weighting not in ("edm", "sigma2"):
                raise UsageError("objective dsm: of links the levels are even in log s, and the weight is sigma2")
            return process.denoising_loss(x0, generator, self.noise == "single_shot")
        if self.noise != "exact":
            raise UsageError("objective dsm: noise=single_shot is for links")
        denoiser = denoiser_of(process)
        x, given, _ = denoiser.split(x0)
        level = draw_levels(denoiser, len(x), self.levels, generator)
        y = noisy(denoiser, x, level, generator)
        error = denoiser.denoise(y, level, given) - x
        return weight(denoiser, level, self.weighting, self.snr_cap) * mean_square(denoiser, error)
