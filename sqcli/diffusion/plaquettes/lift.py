"""Lift of a plaquette's angle to the real line, where its distribution is near a Gaussian at every coupling.

A partition of unity W shares out the weight of θ over its images y = θ + 2πn:

    W(y) = e^{−y²/2a} / Σ_n e^{−(y + 2πn)²/2a},   Σ_n W(θ + 2πn) = 1,   p̃(y) = e^{β (cos y − 1)} W(y).

With e^{−σ²/2} = I₁(β)/I₀(β), p̃ is near N(0, σ²), and for Villain's action with a = σ² it would be exactly that. A least
width a ≥ 1 keeps p̃ smooth at ±π.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sqcli.errors import UsageError

TURN = 2 * math.pi
LEAST = 1.0  # least a
LARGEST = 1e6  # of β
POINTS = 1024  # of θ in sums over one plaquette
NEGLIGIBLE = 40.0  # −log of weights that never count


@dataclass(frozen=True)
class Lift:
    """Lift at one inverse coupling β.

    Raises:
        UsageError: β is not positive, or huge.
    """

    beta: float

    def __post_init__(self) -> None:
        if not 0 < self.beta <= LARGEST:
            raise UsageError(f"plaquettes diffuse at 0 < beta <= {LARGEST:g}, not at {self.beta:g}")

    @cached_property
    def width2(self) -> float:
        """Variance σ² of the Gaussian that p̃ is near to."""
        from scipy.special import ive

        return float(-2 * math.log(ive(1, self.beta) / ive(0, self.beta)))

    @cached_property
    def variance(self) -> float:
        """Variance of p̃ itself."""
        y, weight = self.points
        return float((weight * y**2).sum())

    @cached_property
    def points(self) -> tuple[Tensor, Tensor]:
        """Points y on the line and weights that add up to one: sums with them are averages over p̃; (k,) each."""
        reach = math.acos(max(-1.0, 1 - NEGLIGIBLE / self.beta))
        theta = (torch.arange(POINTS, dtype=torch.float64) + 0.5) / POINTS * 2 * reach - reach
        y = (theta[:, None] + TURN * self._windings).flatten()
        return y, torch.softmax(self.log_density(y), 0)

    def log_density(self, y: Tensor) -> Tensor:
        """Logarithm of p̃(y), not normalised."""
        return self.beta * (y.cos() - 1) + self.log_share(y)

    def log_share(self, y: Tensor) -> Tensor:
        """Logarithm of W(y)."""
        total = sum(torch.exp(-(z**2) / (2 * self._width2)) for z in self._images(y))
        return -(y**2) / (2 * self._width2) - torch.as_tensor(total).log()

    def force(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Force F = d log p̃/dy and its derivative: −β sin y − (y − ⟨z⟩)/a and −β cos y − (⟨z²⟩ − ⟨z⟩²)/a².

        Averages are over the images z = y + 2πn with weights e^{−z²/2a}.
        """
        total, first, second = torch.zeros_like(y), torch.zeros_like(y), torch.zeros_like(y)
        for z in self._images(y):
            weight = torch.exp(-(z**2) / (2 * self._width2))
            total, first, second = total + weight, first + weight * z, second + weight * z**2
        mean, square = first / total, second / total
        slope = -self.beta * y.cos() - (square - mean**2) / self._width2**2
        return -self.beta * y.sin() - (y - mean) / self._width2, slope

    def draw(self, theta: Tensor, uniform: Tensor) -> Tensor:
        """Draw an image y of each angle with the probabilities W, from numbers in [0, 1)."""
        images = torch.stack(list(self._images(theta)), -1)
        below = torch.softmax(-(images**2) / (2 * self._width2), -1).cumsum(-1)
        chosen = (below < uniform[..., None]).sum(-1, keepdim=True).clamp(max=len(self._windings) - 1)
        return images.gather(-1, chosen).squeeze(-1)

    @property
    def _width2(self) -> float:
        """Variance a of the partition of unity."""
        return max(self.width2, LEAST)

    @cached_property
    def _windings(self) -> Tensor:
        most = math.ceil((math.sqrt(2 * NEGLIGIBLE * self._width2) + math.pi) / TURN)
        return torch.arange(-most, most + 1, dtype=torch.float64)

    def _images(self, y: Tensor) -> list[Tensor]:
        """Images of y around 0, as many as count."""
        theta = y - TURN * torch.round(y / TURN)
        return [theta + TURN * n for n in self._windings.tolist()]
