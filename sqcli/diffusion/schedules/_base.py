"""Interface of noise schedules: x_t = α(t) x₀ + σ(t) z, the solution of dx = f(t) x dt + g(t) dw.

    f = d ln α/dt,   g² = dσ²/dt − 2 f σ²,   x_t | x_s ~ N(a x_s, v) with a = α(t)/α(s), v = σ²(t) − a² σ²(s).

Networks and samplers use y = x_t/α(t), the data with noise of the level s(t) = σ(t)/α(t) added, so that a network
trained with one schedule can be sampled with any other. (Song et al., 2011.13456; Karras et al., 2206.00364.)
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Schedule(ABC):
    """Base of all schedules: a frozen dataclass of parameters; times and scales are float64 tensors of any shape.

    Attributes:
        t_min: the first time that is trained on and the last that is sampled.
        t_max: the end of the forward process.
    """

    t_min: float
    t_max: float

    @abstractmethod
    def alpha(self, t: Tensor) -> Tensor:
        """Signal scale α(t), decreasing from 1."""

    @abstractmethod
    def sigma(self, t: Tensor) -> Tensor:
        """Noise scale σ(t), from about 0."""

    @abstractmethod
    def f(self, t: Tensor) -> Tensor:
        """Drift coefficient d ln α/dt."""

    @abstractmethod
    def g2(self, t: Tensor) -> Tensor:
        """Squared diffusion coefficient g²(t)."""

    def level(self, t: Tensor) -> Tensor:
        """Noise level s = σ/α."""
        return self.sigma(t) / self.alpha(t)

    @abstractmethod
    def time(self, level: Tensor) -> Tensor:
        """Time t at which the noise level is `level`: the inverse of `level`."""

    @property
    def level_min(self) -> float:
        """Smallest noise level of training and sampling."""
        return float(self.level(torch.tensor(self.t_min, dtype=torch.float64)))

    @property
    def level_max(self) -> float:
        """Largest noise level of training and sampling."""
        return float(self.level(torch.tensor(self.t_max, dtype=torch.float64)))

    def levels(self, steps: int, low: float | None = None, high: float | None = None) -> Tensor:
        """Noise levels evenly spaced in log s, `steps` + 1 of them from high (`level_max`) to low (`level_min`)."""
        ends = math.log(high or self.level_max), math.log(low or self.level_min)
        return torch.linspace(*ends, steps + 1, dtype=torch.float64).exp()
