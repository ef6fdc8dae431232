"""Variance exploding: dx = σ^t dw, so α = 1 and σ²(t) = (σ^{2t} − 1)/(2 ln σ) (2309.17082 eq. 4.2, σ = 25)."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sqcli.diffusion.schedules._base import Schedule


@dataclass(frozen=True)
class VarianceExploding(Schedule):
    """Schedule that adds noise and keeps the signal.

    Attributes:
        base: the number σ, public name `sigma`.
        t_min: smallest time.
        t_max: largest time.
    """

    base: float = field(default=25.0, metadata={"name": "sigma"})
    t_min: float = 1e-5
    t_max: float = 1.0

    def __post_init__(self) -> None:
        if self.base <= 1:
            raise ValueError(f"sigma must exceed 1, not {self.base}")
        if not 0 < self.t_min < self.t_max:
            raise ValueError(f"times must obey 0 < t_min < t_max, not {self.t_min}, {self.t_max}")

    def alpha(self, t: Tensor) -> Tensor:
        """Signal scale, 1."""
        return torch.ones_like(t)

    def sigma(self, t: Tensor) -> Tensor:
        """Noise scale √((σ^{2t} − 1)/(2 ln σ))."""
        return torch.sqrt(torch.expm1(2 * math.log(self.base) * t) / (2 * math.log(self.base)))

    def f(self, t: Tensor) -> Tensor:
        """Drift coefficient, 0."""
        return torch.zeros_like(t)

    def g2(self, t: Tensor) -> Tensor:
        """Squared diffusion coefficient σ^{2t}."""
        return torch.exp(2 * math.log(self.base) * t)

    def time(self, level: Tensor) -> Tensor:
        """Time ln(1 + 2 s² ln σ)/(2 ln σ) of a noise level."""
        return torch.log1p(2 * math.log(self.base) * level**2) / (2 * math.log(self.base))
