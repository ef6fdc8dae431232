"""Schedules with g²(t) = σ^{2t/T}, whose integral is u(t) = T (σ^{2t/T} − 1)/(2 ln σ) (2410.21212)."""

import math
from abc import abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sqcli.diffusion.schedules._base import Schedule


@dataclass(frozen=True)
class PowerSchedule(Schedule):
    """Process dx = −½ c g² x dt + g dw with g² = σ^{2t/T}: α = e^{−cu/2}, σ² = (1 − e^{−cu})/c, s² = (e^{cu} − 1)/c.

    Attributes:
        base: the number σ, public name `sigma`.
        t_min: smallest time.
        t_max: largest time T.
    """

    base: float = field(default=25.0, metadata={"name": "sigma"})
    t_min: float = 1e-5
    t_max: float = 1.0

    def __post_init__(self) -> None:
        if self.base <= 1:
            raise ValueError(f"sigma must exceed 1, not {self.base}")
        if not 0 < self.t_min < self.t_max:
            raise ValueError(f"times must obey 0 < t_min < t_max, not {self.t_min}, {self.t_max}")

    @property
    @abstractmethod
    def damping(self) -> float:
        """Damping c of the signal, in units of ½ g²."""

    @property
    def _rate(self) -> float:
        return 2 * math.log(self.base) / self.t_max

    def _u(self, t: Tensor) -> Tensor:
        return torch.expm1(self._rate * t) / self._rate

    def alpha(self, t: Tensor) -> Tensor:
        """Signal scale e^{−cu/2}."""
        return torch.exp(-self.damping * self._u(t) / 2)

    def sigma(self, t: Tensor) -> Tensor:
        """Noise scale √((1 − e^{−cu})/c)."""
        u = self._u(t)
        return torch.sqrt(-torch.expm1(-self.damping * u) / self.damping if self.damping else u)

    def f(self, t: Tensor) -> Tensor:
        """Drift coefficient −½ c g²."""
        return -0.5 * self.damping * self.g2(t)

    def g2(self, t: Tensor) -> Tensor:
        """Squared diffusion coefficient σ^{2t/T}."""
        return torch.exp(self._rate * t)

    def level(self, t: Tensor) -> Tensor:
        """Noise level √((e^{cu} − 1)/c)."""
        u = self._u(t)
        return torch.sqrt(torch.expm1(self.damping * u) / self.damping if self.damping else u)

    def time(self, level: Tensor) -> Tensor:
        """Time of a noise level, by u = ln(1 + c s²)/c."""
        u = torch.log1p(self.damping * level**2) / self.damping if self.damping else level**2
        return torch.log1p(self._rate * u) / self._rate
