"""Variance preserving: dx = −½βt x dt + √(βt) dw, so α = e^{−βt²/4} and σ² = 1 − α² (2411.11297: β = 20)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.schedules._base import Schedule


@dataclass(frozen=True)
class VariancePreserving(Schedule):
    """Schedule whose signal decays while noise is added.

    Attributes:
        beta: the number β.
        t_min: smallest time.
        t_max: largest time.
    """

    beta: float = 20.0
    t_min: float = 0.01
    t_max: float = 1.0

    def __post_init__(self) -> None:
        if self.beta <= 0:
            raise ValueError(f"beta must be positive, not {self.beta}")
        if not 0 < self.t_min < self.t_max:
            raise ValueError(f"times must obey 0 < t_min < t_max, not {self.t_min}, {self.t_max}")

    def alpha(self, t: Tensor) -> Tensor:
        """Signal scale e^{−βt²/4}."""
        return torch.exp(-self.beta * t**2 / 4)

    def sigma(self, t: Tensor) -> Tensor:
        """Noise scale √(1 − e^{−βt²/2})."""
        return torch.sqrt(-torch.expm1(-self.beta * t**2 / 2))

    def f(self, t: Tensor) -> Tensor:
        """Drift coefficient −½βt."""
        return -self.beta * t / 2

    def g2(self, t: Tensor) -> Tensor:
        """Squared diffusion coefficient βt."""
        return self.beta * t

    def level(self, t: Tensor) -> Tensor:
        """Noise level √(e^{βt²/2} − 1)."""
        return torch.sqrt(torch.expm1(self.beta * t**2 / 2))

    def time(self, level: Tensor) -> Tensor:
        """Time √(2 ln(1 + s²)/β) of a noise level."""
        return torch.sqrt(2 * torch.log1p(level**2) / self.beta)
