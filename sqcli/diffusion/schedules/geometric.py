"""Geometric ladder of noise levels: α = 1, σ(t) = s_min (s_max/s_min)^t, t ∈ [0, 1] (Song & Ermon, 1907.05600).

Uniform times are uniform in log s, which spends as many steps on each octave of momenta as on any other.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.schedules._base import Schedule


@dataclass(frozen=True)
class Geometric(Schedule):
    """Schedule that adds noise and keeps the signal; already at t = 0 the noise is s_min.

    Attributes:
        level_min: s_min, in units in which the field is of order one.
        level_max: s_max; well above √G of the softest mode that is to be found by the network.
    """

    level_min: float = 0.02
    level_max: float = 100.0
    t_min = 0.0
    t_max = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.level_min < self.level_max:
            raise ValueError(f"levels must obey 0 < level_min < level_max, not {self.level_min}, {self.level_max}")

    @property
    def _rate(self) -> float:
        return math.log(self.level_max / self.level_min)

    def alpha(self, t: Tensor) -> Tensor:
        """Signal scale, 1."""
        return torch.ones_like(t)

    def sigma(self, t: Tensor) -> Tensor:
        """Noise scale s_min (s_max/s_min)^t."""
        return self.level_min * torch.exp(self._rate * t)

    def f(self, t: Tensor) -> Tensor:
        """Drift coefficient, 0."""
        return torch.zeros_like(t)

    def g2(self, t: Tensor) -> Tensor:
        """Squared diffusion coefficient 2 ln(s_max/s_min) σ²."""
        return 2 * self._rate * self.sigma(t) ** 2

    def time(self, level: Tensor) -> Tensor:
        """Time ln(s/s_min)/ln(s_max/s_min) of a noise level."""
        return torch.log(level / self.level_min) / self._rate
