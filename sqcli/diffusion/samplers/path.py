"""The reverse process in a few Gaussian steps whose path weight is exact for any network.

From y_N ~ N(0, G + s_N²) each step draws y_{i−1} | y_i ~ N(r y_i + (1 − r) D(y_i, s_i), v) with r = s²_{i−1}/s²_i and
v = (1 − r)² ⟨|x₀ − D|²⟩ + r (s²_i − s²_{i−1}) per mode: mean and variance of the true reverse kernel, the former by
Tweedie's formula. Data reach y_N through the forward kernels N(y_{i−1}, s²_i − s²_{i−1}), so

    log w = −S(φ) + Σ_i log N(y_i | y_{i−1}) − log N(y_N) − Σ_i log q(y_{i−1} | y_i)

averages to ⟨w⟩ = Z over paths: no divergence, no noise of an estimator (cf. Sohl-Dickstein et al., 1503.03585).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion._denoiser import Denoiser
from sqcli.diffusion._modes import filtered, log_normal, modes
from sqcli.diffusion._noise import Noise
from sqcli.diffusion.samplers._base import Drawn
from sqcli.exactness import Exactness


@dataclass(frozen=True)
class Path:
    """Exact path sampling.

    Attributes:
        n_steps: evaluations of the network.
        level_min: noise level of the last evaluation, in units of x.
        level_max: noise level of the first; 0 for three times the largest standard deviation of a mode.
    """

    n_steps: int = 10
    level_min: float = 0.2
    level_max: float = 0.0

    def __post_init__(self) -> None:
        if self.n_steps < 1 or self.level_min <= 0 or self.level_max < 0:
            raise ValueError("n_steps and level_min must be positive, level_max not negative")

    def check(self, denoiser: Denoiser) -> None:
        """Every model of a real field can be sampled so."""

    def exactness(self) -> Exactness:
        """Weighted."""
        return Exactness("weighted", "reverse paths weighted by the exact ratio of forward and reverse kernels")

    def stats(self) -> tuple[str, ...]:
        """None of its own."""
        return ()

    def ladder(self, denoiser: Denoiser) -> Tensor:
        """0 = s₀ < s₁ < … < s_N."""
        return ladder(denoiser, self.n_steps, self.level_min, self.level_max)

    @torch.no_grad()
    def draw(self, denoiser: Denoiser, noise: Noise) -> Drawn:
        """One path for each row."""
        levels = self.ladder(denoiser)
        given, log_q = denoiser.begin(noise.uniform(0))
        start = prior(denoiser, levels[-1], given)
        y = _gaussian(denoiser, noise.normal(0), start)
        log_q = log_q + _log_density(denoiser, y, start)
        for i in range(self.n_steps, 0, -1):
            mean, variance = reverse(denoiser, y, levels[i], levels[i - 1], given)
            step = _gaussian(denoiser, noise.normal(i), variance)
            below = mean + step
            log_q = (
                log_q + _log_density(denoiser, step, variance) - forward(denoiser, below, y, levels[i - 1], levels[i])
            )
            y = below
        field = denoiser.to_field(denoiser.join(y, given))
        return Drawn(field, log_q - denoiser.log_jacobian)

    @torch.no_grad()
    def log_density(self, denoiser: Denoiser, fields: Tensor, noise: Noise) -> Tensor:
        """That of a forward path drawn from each configuration."""
        levels = self.ladder(denoiser)
        y, given, log_q = denoiser.split(denoiser.from_field(fields))
        for i, (low, high) in enumerate(pairs(levels)):
            above = y + torch.sqrt(high**2 - low**2) * denoiser.project(noise.normal(i))
            mean, variance = reverse(denoiser, above, high, low, given)
            log_q = log_q + _log_density(denoiser, y - mean, variance) - forward(denoiser, y, above, low, high)
            y = above
        return log_q + _log_density(denoiser, y, prior(denoiser, levels[-1], given)) - denoiser.log_jacobian


def ladder(denoiser: Denoiser, steps: int, low: float, high: float) -> Tensor:
    """0, then `steps` levels evenly spaced in the logarithm."""
    widest = math.sqrt(float((denoiser.spectrum(None) * denoiser.mask).max())) if not high else 0.0
    top = max(high or 3 * widest, 2 * low)
    levels = torch.linspace(math.log(low), math.log(top), steps, dtype=torch.float64).exp()
    return torch.cat([torch.zeros(1, dtype=torch.float64), levels]).to(denoiser.device)


def pairs(levels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Neighbouring levels, from below."""
    return zip(levels[:-1], levels[1:], strict=True)


def prior(denoiser: Denoiser, level: Tensor, given: Tensor | None) -> Tensor:
    """Variances of the modes at the top."""
    return denoiser.spectrum(given) + level**2


def reverse(denoiser: Denoiser, y: Tensor, high: Tensor, low: Tensor, given: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and mode variances of the kernel from level `high` down to `low`."""
    r = low**2 / high**2
    mean = r * y + (1 - r) * denoiser.denoise(y, high, given)
    return mean, (1 - r) ** 2 * denoiser.residual(high, given) + r * (high**2 - low**2)


def forward(denoiser: Denoiser, below: Tensor, above: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log density of the forward kernel."""
    variance = high**2 - low**2
    square = denoiser.lattice.site_sum((above - below) ** 2)
    return -0.5 * (square / variance + denoiser.freedoms * torch.log(2 * math.pi * variance))


def _gaussian(denoiser: Denoiser, noise: Tensor, variance: Tensor) -> Tensor:
    return filtered(noise, torch.sqrt(variance) * denoiser.mask, denoiser.lattice.dimension)


def _log_density(denoiser: Denoiser, field: Tensor, variance: Tensor) -> Tensor:
    return log_normal(modes(field, denoiser.lattice.dimension), variance, denoiser.mask, denoiser.lattice.dimension)
