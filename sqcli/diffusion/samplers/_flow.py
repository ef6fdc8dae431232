"""Probability flow dy/du = y − D(y, e^u), u = ln s, with ∫ (N − tr ∂D/∂y) du on the way.

Fixed grid: classical Runge–Kutta. The divergence does not act back on y, so it is integrated by Simpson's rule over
the ends and the middle of each step, the latter from the third-order interpolant of the four stages: two traces a step
suffice for fourth order. Adaptive: Dormand–Prince 5(4), where each draw has steps of its own.
"""

from itertools import pairwise

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.divergence import Divergence
from sqcli.diffusion.samplers._ladder import halve
from sqcli.errors import SqcliError

MOST_ADAPTIVE_STEPS = 10000
# Dormand–Prince 5(4): nodes, rows of its tableau, and weights of the error estimate
NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
ROWS = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERRORS = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


class Flow:
    """Probability flow of the draws of one batch.

    Attributes:
        given: the slow modes of the draws or None.
        divergence: the trace to integrate, None where the integral is not wanted.
    """

    def __init__(self, denoiser: Denoiser, given: Tensor | None, divergence: Divergence | None) -> None:
        self.denoiser = denoiser
        self.given = given
        self.divergence = divergence

    def follow(self, y: Tensor, levels: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
        """Follow the flow along the levels: by `adaptive` with a tolerance, by `fixed` with 0."""
        return self.adaptive(y, levels, tolerance) if tolerance else self.fixed(y, levels)

    def descend(self, top: Tensor, levels: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
        """Follow the flow from levels[0] to s = 0: configurations φ, and what log q loses on the way, (n,)."""
        y, total = self.follow(top, levels, tolerance)
        if self.divergence is not None:
            total = total + self.divergence.log_halved(y, levels[-1])
        x = halve(self.denoiser, y, levels[-1], self.given)
        return self.denoiser.to_field(self.denoiser.join(x, self.given)), total

    def velocity(self, y: Tensor, u: Tensor) -> Tensor:
        """Velocity dy/du of the flow at y, u () or (n,)."""
        return y - self.denoiser.denoise(y, u.exp(), self.given)

    def rate(self, y: Tensor, u: Tensor) -> Tensor:
        """Rate N − tr ∂D/∂y at which log q changes, (n,); 0 where it is not wanted."""
        if self.divergence is None:
            return torch.zeros(len(y), dtype=y.dtype, device=y.device)
        return self.denoiser.freedoms - self.divergence.trace(y, u.exp())

    def fixed(self, y: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Integrate from levels[0] through all to levels[-1]: the end and the integral, (n,)."""
        before = self.rate(y, levels[0].log())
        total = torch.zeros_like(before)
        for u, end in pairwise(levels.log()):
            y, middle = self._runge_kutta(y, u, end - u)
            after = self.rate(y, end)
            total = total + (end - u) / 6 * (before + 4 * self.rate(middle, (u + end) / 2) + after)
            before = after
        return y, total

    def _runge_kutta(self, y: Tensor, u: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Take a step: its end, and y in its middle."""
        k1 = self.velocity(y, u)
        k2 = self.velocity(y + h / 2 * k1, u + h / 2)
        k3 = self.velocity(y + h / 2 * k2, u + h / 2)
        k4 = self.velocity(y + h * k3, u + h)
        return y + h / 6 * (k1 + 2 * (k2 + k3) + k4), y + h / 24 * (5 * k1 + 4 * (k2 + k3) - k4)

    def adaptive(self, y: Tensor, levels: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
        """Integrate from levels[0] to levels[-1] in steps of an error relative to ‖y‖, and per mode of log q."""
        end, total = levels[-1].log(), torch.zeros(len(y), dtype=y.dtype, device=y.device)
        u = levels[0].log().expand(len(y))
        h = (end - u) / len(levels)
        for _ in range(MOST_ADAPTIVE_STEPS):
            left = end - u
            if not left.abs().max() > 0:
                return y, total
            last = h.abs() >= left.abs()
            h = torch.where(last, left, h)
            y_next, total_next, error = self._dormand_prince(y, total, u, h)
            good = error <= tolerance
            u = torch.where(good, torch.where(last, end, u + h), u)
            y = torch.where(self._wide(good), y_next, y)
            total = torch.where(good, total_next, total)
            h = h * (0.9 * (tolerance / error.clamp(min=1e-300)) ** 0.2).clamp(0.2, 5.0)
        raise SqcliError(
            f"the flow needs more than {MOST_ADAPTIVE_STEPS} steps for tolerance={tolerance}; allow a larger one"
        )

    def _dormand_prince(self, y: Tensor, total: Tensor, u: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take a step: state and integral after it, and the error estimate, (n,)."""
        slopes: list[Tensor] = []
        rates: list[Tensor] = []
        for node, row in zip(NODES, ROWS, strict=True):
            here, time = y + self._wide(h) * _combined(row, slopes, y), u + node * h
            slopes.append(self.velocity(here, time))
            rates.append(self.rate(here, time))
        sites = tuple(range(1, y.dim()))
        wrong = self._wide(h) * _combined(ERRORS, slopes, y)
        relative = ((wrong**2).sum(sites) / (here**2).sum(sites).clamp(min=1e-300)).sqrt()
        of_total = (h * _combined(ERRORS, rates, total)).abs() / self.denoiser.freedoms
        return here, total + h * _combined(ROWS[-1], rates, total), torch.maximum(relative, of_total)

    def _wide(self, numbers: Tensor) -> Tensor:
        return numbers.reshape(-1, *self.denoiser.ones)


def _combined(weights: tuple[float, ...], slopes: list[Tensor], like: Tensor) -> Tensor:
    total = torch.zeros_like(like)
    for weight, slope in zip(weights, slopes, strict=False):
        total = total + weight * slope
    return total
