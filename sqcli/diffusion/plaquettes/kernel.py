"""Reverse kernel of V plaquettes with a given sum, from one-plaquette kernels that a table holds.

Tweedie's formula of every order gives the cumulants of y₀ given y at level s: with mean D and variance V,

    κ₃ = s² ∂V/∂y,   κ₄ = s² ∂κ₃/∂y,

so that a network's two functions give four. Those of y_{i−1} given y_i follow with r = s²_{i−1}/s²_i: r y + (1 − r) D,
(1 − r)² V + r (s²_i − s²_{i−1}), (1 − r)³ κ₃, (1 − r)⁴ κ₄. A mixture of two Gaussians has them (`mixture.py`).

All plaquettes are drawn by themselves, ŷ, and brought to the plane Σ y = 2πK along their variances, y = ŷ − v t with
t = (Σ ŷ − 2πK)/Σ v. With t the density of y on the plane is q(y, t) = Π q_p(y_p + v_p t) · Σ v/√V; t itself is made up
for by a density ρ(t | y), near that of t given y: weights over both are exact for any ρ, and for Gaussians t drops out.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.nets import PlaquetteMoments
from sqcli.diffusion.plaquettes.mixture import Mixture, with_cumulants

SOFTEST = 0.25  # least precision of ρ, in units of Σ v, the Gaussians'


@dataclass(frozen=True)
class ReverseKernel:
    """ReverseKernel of one step down, tabulated on an even grid of y; beyond its ends the values at the ends count.

    Attributes:
        first: the first point of the grid.
        step: distance of its points.
        rows: a `Mixture` for each point, (points, 4).
    """

    first: float
    step: float
    rows: Tensor

    @classmethod
    def tabulated(cls, grid: Tensor, moments: PlaquetteMoments, low: float, high: float) -> "ReverseKernel":
        """Build the kernel from level `high` to `low`, from moments of y₀ at the points of an even grid."""
        step, r = float(grid[1] - grid[0]), low**2 / high**2
        third = high**2 * torch.gradient(moments.variance, spacing=step)[0]
        fourth = high**2 * torch.gradient(third, spacing=step)[0]
        keep = 1 - r
        mean, variance = r * grid + keep * moments.mean, keep**2 * moments.variance + r * (high**2 - low**2)
        mixture = with_cumulants(mean, variance, keep**3 * third, keep**4 * fourth)
        return cls(float(grid[0]), step, torch.stack(list(mixture), 1))

    def draw(self, above: Tensor, total: Tensor, normal: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Draw plaquettes with the sum `total` (n,), from two N(0, 1) numbers each; also their log density, (n,)."""
        mixture = self._at(above)
        free, variance = mixture.draw(normal, label), mixture.variance
        shift = (free.sum(1) - total) / variance.sum(1)
        below = free - variance * shift[:, None]
        centre, precision = _guide(mixture, below)
        return below, _log_joint(mixture, free) - _log_normal(shift, centre, precision)

    def log_density(self, below: Tensor, above: Tensor, normal: Tensor) -> Tensor:
        """Log density of given plaquettes, (n,), with t drawn from N(0, 1) numbers (n,)."""
        mixture = self._at(above)
        centre, precision = _guide(mixture, below)
        shift = centre + normal / precision.sqrt()
        free = below + mixture.variance * shift[:, None]
        return _log_joint(mixture, free) - _log_normal(shift, centre, precision)

    def _at(self, y: Tensor) -> Mixture:
        """Interpolate in the table."""
        place = ((y - self.first) / self.step).clamp(0, len(self.rows) - 1)
        row = place.long().clamp(max=len(self.rows) - 2)
        part = (place - row)[..., None]
        found = torch.lerp(self.rows[row], self.rows[row + 1], part)
        return Mixture(*found.unbind(-1))


def _log_joint(mixture: Mixture, free: Tensor) -> Tensor:
    """Logarithm of q(y, t) at ŷ = y + v t: (n,)."""
    return mixture.log_density(free).sum(1) + mixture.variance.sum(1).log() - math.log(free.shape[1]) / 2


def _guide(mixture: Mixture, y: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and precision of ρ, from a Newton step at t = 0: (n,) each."""
    variance = mixture.variance
    slope, bend = mixture.slopes(y)
    precision = torch.maximum(-(variance**2 * bend).sum(1), SOFTEST * variance.sum(1))
    return (variance * slope).sum(1) / precision, precision


def _log_normal(at: Tensor, centre: Tensor, precision: Tensor) -> Tensor:
    return 0.5 * (precision.log() - math.log(2 * math.pi) - precision * (at - centre) ** 2)
