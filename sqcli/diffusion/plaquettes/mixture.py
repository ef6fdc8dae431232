"""Two Gaussians of equal weight with given first four cumulants: the kernel of one plaquette, and its density.

In units where the variance is 1, components N(±b, 1 − u ± a) with b² = u have

    skewness γ = 3ab,   excess κ = 3a² − 2u²,   so 2u³ + κu − γ²/3 = 0,

which has one positive root: there is such a mixture for every γ and κ, as long as it has a < 1 − u.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

NEWTON = 40
MOST_BETWEEN = 0.7  # of u; where cumulants ask for more, the mixture has smaller ones
MOST_UNEQUAL = 0.8  # of a/(1 − u)


class Mixture(NamedTuple):
    """Densities ½ N(μ + b, v₊) + ½ N(μ − b, v₋); tensors of one shape.

    Attributes:
        mean: μ.
        offset: b.
        plus: v₊.
        minus: v₋.
    """

    mean: Tensor
    offset: Tensor
    plus: Tensor
    minus: Tensor

    @property
    def variance(self) -> Tensor:
        """Variance v of the whole."""
        return (self.plus + self.minus) / 2 + self.offset**2

    def draw(self, normal: Tensor, label: Tensor) -> Tensor:
        """Draw from N(0, 1) numbers and from labels, whose sign says which component it is."""
        first = label >= 0
        noise = normal * torch.where(first, self.plus, self.minus).sqrt()
        return self.mean + noise + torch.where(first, self.offset, -self.offset)

    def log_density(self, y: Tensor) -> Tensor:
        """Log density at y."""
        return torch.logaddexp(*self._parts(y)) - math.log(2) - math.log(2 * math.pi) / 2

    def slopes(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """First and second derivative of the log density at y."""
        one, other = self._parts(y)
        weight = torch.sigmoid(one - other)
        first = (self.mean + self.offset - y) / self.plus
        second = (self.mean - self.offset - y) / self.minus
        slope = weight * first + (1 - weight) * second
        bend = weight * (1 - weight) * (first - second) ** 2 - weight / self.plus - (1 - weight) / self.minus
        return slope, bend

    def _parts(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms of both components, but for constants."""
        d = y - self.mean
        one = -0.5 * ((d - self.offset) ** 2 / self.plus + self.plus.log())
        return one, -0.5 * ((d + self.offset) ** 2 / self.minus + self.minus.log())


def with_cumulants(mean: Tensor, variance: Tensor, third: Tensor, fourth: Tensor) -> Mixture:
    """Build the mixture with these cumulants, or one as near as the bounds allow; gradients leave its shape alone."""
    with torch.no_grad():
        skewness, excess = third / variance**1.5, fourth / variance**2
        u = _between(skewness, excess).clamp(max=MOST_BETWEEN)
        a = torch.minimum(((excess + 2 * u**2).clamp(min=0) / 3).sqrt(), MOST_UNEQUAL * (1 - u))
        b = torch.where(skewness >= 0, u.sqrt(), -u.sqrt())
    return Mixture(mean, b * variance.sqrt(), variance * (1 - u + a), variance * (1 - u - a))


def _between(skewness: Tensor, excess: Tensor) -> Tensor:
    """Find the positive root u of 2u³ + κu − γ²/3, from above, where the cubic is convex: Newton's method converges."""
    third = skewness**2 / 3
    u = (third / 2) ** (1 / 3) + (excess.clamp(max=0) / -2).sqrt() + 1e-12
    for _ in range(NEWTON):
        u = u - (2 * u**3 + excess * u - third) / (6 * u**2 + excess)
    return u.clamp(min=0)
