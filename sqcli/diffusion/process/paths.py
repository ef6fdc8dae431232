"""Paths 0 = s₀ < s₁ < … < s_N of noised fields, their forward and reverse kernels, and log densities.

Forward: y_i ~ N(y_{i−1}, s²_i − s²_{i−1}). Reverse: y_{i−1} ~ N(r y_i + (1 − r) D(y_i, s_i), v), r = s²_{i−1}/s²_i,
v = (1 − r)² ⟨|x₀ − D|²⟩ + r (s²_i − s²_{i−1}) per mode: Tweedie's mean, and the variance that goes with it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from sqcli.diffusion.modes import filtered, log_normal, modes
from sqcli.diffusion.process.around import AroundDenoiser
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.protocol import RandomNumbers

WIDEST = 3.0  # standard deviations of the widest mode where a ladder ends


def ladder(denoiser: Denoiser, steps: int, low: float, high: float) -> Tensor:
    """Levels of a path: 0, then `steps` even in the logarithm from `low` to `high` (0: three widths of the data)."""
    top = max(high or WIDEST * widest(denoiser), 2 * low)
    levels = torch.linspace(math.log(low), math.log(top), steps, dtype=torch.float64).exp()
    return torch.cat([torch.zeros(1, dtype=torch.float64), levels]).to(denoiser.device)


def widest(denoiser: Denoiser) -> float:
    """Standard deviation of the widest mode at M = 0."""
    return math.sqrt(float((denoiser.spectrum(None) * denoiser.mask).max().detach()))


def rungs_of(levels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Iterate over neighbouring levels, from below."""
    return pairwise(levels)


def variances(denoiser: Denoiser, low: Tensor, high: Tensor, given: Tensor | None) -> Tensor:
    """Variances of the modes of the reverse kernel from level `high` () to `low` ()."""
    r = low**2 / high**2
    return (1 - r) ** 2 * denoiser.residual(high, given) + r * (high**2 - low**2)


def reverse_mean(denoiser: Denoiser, above: Tensor, low: Tensor, high: Tensor, given: Tensor | None) -> Tensor:
    """Mean of the reverse kernel; levels () or (n,)."""
    r = (low**2 / high**2).reshape(-1, *(1,) * denoiser.lattice.dimension)
    return r * above + (1 - r) * denoiser.denoise(above, high, given)


def log_forward(denoiser: Denoiser, below: Tensor, above: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log density of the forward kernel: (n,)."""
    variance = high**2 - low**2
    square = denoiser.lattice.site_sum((above - below) ** 2)
    return -0.5 * (square / variance + denoiser.freedoms * torch.log(2 * math.pi * variance))


def gaussian(denoiser: Denoiser, normal: Tensor, variance: Tensor) -> Tensor:
    """Draw a field with modes of the given variances from white noise."""
    return filtered(normal, torch.sqrt(variance) * denoiser.mask, denoiser.lattice.dimension)


def log_gaussian(denoiser: Denoiser, field: Tensor, variance: Tensor) -> Tensor:
    """Log density of a field whose modes have the given variances: (n,)."""
    return log_normal(modes(field, denoiser.lattice.dimension), variance, denoiser.mask, denoiser.lattice.dimension)


def descend(denoiser: Denoiser, numbers: RandomNumbers, levels: Tensor) -> tuple[list[Tensor], Tensor | None, Tensor]:
    """Draw paths from the model, by the reverse kernels.

    Returns:
        y₀ … y_N, the slow mode, and the log density over the forward kernels, (n,).
    """
    given, log_q = denoiser.begin(numbers.uniform(0))
    variance = denoiser.spectrum(given) + levels[-1] ** 2
    path = [gaussian(denoiser, numbers.normal(0), variance)]
    log_q = log_q + log_gaussian(denoiser, path[0], variance)
    path, log_q = _down(denoiser, path[0], given, levels, numbers, 0, log_q)
    return path[::-1], given, log_q


def _down(
    denoiser: Denoiser, top: Tensor, given: Tensor | None, levels: Tensor, numbers: RandomNumbers, first: int,
    total: Tensor,
) -> tuple[list[Tensor], Tensor]:  # fmt: skip
    """Go down from `top`, with random numbers after `first`: the path, and `total` with log reverse − log forward."""
    path = [top]
    for step, (low, high) in reversed(list(enumerate(rungs_of(levels), 1))):
        variance = variances(denoiser, low, high, given)
        move = gaussian(denoiser, numbers.normal(first + step), variance)
        path.append(reverse_mean(denoiser, path[-1], low, high, given) + move)
        total = total + log_gaussian(denoiser, move, variance) - log_forward(denoiser, path[-1], path[-2], low, high)
    return path, total


def ascend(denoiser: Denoiser, x: Tensor, numbers: RandomNumbers, levels: Tensor) -> list[Tensor]:
    """Draw paths from data x, without its slow mode, by the forward kernels."""
    path = [x]
    for step, (low, high) in enumerate(rungs_of(levels), 1):
        path.append(path[-1] + torch.sqrt(high**2 - low**2) * denoiser.project(numbers.normal(step)))
    return path


def log_density(denoiser: Denoiser, path: Sequence[Tensor], given: Tensor | None, levels: Tensor) -> Tensor:
    """Log density Σ_i [log reverse − log forward] + log prior of paths, without the slow mode's: (n,)."""
    prior = log_gaussian(denoiser, path[-1], denoiser.spectrum(given) + levels[-1] ** 2)
    return _log_kernels(denoiser, path, given, levels, prior)


def _log_kernels(
    denoiser: Denoiser, path: Sequence[Tensor], given: Tensor | None, levels: Tensor, total: Tensor | float = 0.0
) -> Tensor:
    """Add Σ_i [log reverse − log forward] of paths to `total`: (n,)."""
    n, steps = len(path[0]), len(path) - 1
    repeated = None if given is None else given.repeat(steps)
    low, high = (part.repeat_interleave(n) for part in (levels[:-1], levels[1:]))
    means = reverse_mean(denoiser, torch.cat(list(path[1:])), low, high, repeated).split_with_sizes([n] * steps)
    for i, (below, above) in enumerate(rungs_of(levels)):
        variance = variances(denoiser, below, above, given)
        total = total + log_gaussian(denoiser, path[i] - means[i], variance)
        total = total - log_forward(denoiser, path[i], path[i + 1], below, above)
    return torch.as_tensor(total)


@dataclass(frozen=True)
class EuclideanPaths(AroundDenoiser):
    """Paths of a real field, as samplers know them; see `Paths`."""

    def ladder(self, steps: int, low: float, high: float) -> Tensor:
        """Levels of a path."""
        return ladder(self.denoiser, steps, low, high)

    def descend(self, numbers: RandomNumbers, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Draw paths by the reverse kernels: φ (n, *extents), and log q over the forward kernels, (n,)."""
        path, given, log_q = descend(self.denoiser, numbers, levels)
        field = self.denoiser.to_field(self.denoiser.join(path[0], given))
        return field, log_q - self.denoiser.log_jacobian

    def log_density(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor) -> Tensor:
        """Draw forward paths from φ (n, *extents): log q over the forward kernels, (n,)."""
        x, given, log_slow = self.denoiser.split(self.denoiser.from_field(fields))
        path = ascend(self.denoiser, x, numbers, levels)
        return log_slow + log_density(self.denoiser, path, given, levels) - self.denoiser.log_jacobian

    def partial(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor, rungs: int) -> tuple[Tensor, Tensor]:
        """Noise φ up to levels[rungs] and come back, with its slow mode: φ′ and log q′ − log q of the half paths."""
        denoiser, levels = self.denoiser, levels[: rungs + 1]
        x, given, _ = denoiser.split(denoiser.from_field(fields))
        path = ascend(denoiser, x, numbers, levels)
        change = -_log_kernels(denoiser, path, given, levels)
        back, change = _down(denoiser, path[-1], given, levels, numbers, rungs, change)
        return denoiser.to_field(denoiser.join(back[-1], given)), change
