"""Density of the slow mode: −log p(M) = (V/V₀) Σ_j c_j u^j, u = (M² − centre)/width, even in M.

An exponential family: maximum likelihood is a convex problem, solved by Newton steps with moments on a grid. Drawn by
inversion from the density that is constant within each cell of a fine grid, so that its logarithm is exact.
V₀ is the volume of the training lattice; on others the effective potential per site is kept.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CELLS = 8192  # cells of the grid on which M is drawn
FIT_CELLS = 2048
REACH = 40.0  # log density below the maximum where the grid ends
DEGREES = (4, 3, 2, 1)
NEWTON = 60
RIDGE = 1e-9
REAL = 1e-9  # imaginary part of a root that is a real one with rounding


@dataclass(frozen=True)
class SlowMode:
    """Density p(M) of the magnetisation; all numbers in units of x.

    Attributes:
        numbers: V₀, centre, width, then c₁, c₂, …; float64.
    """

    numbers: Tensor

    def action(self, m: Tensor, volume: int) -> Tensor:
        """Negative log density −log p(M), without its constant."""
        size, centre, width, *coefficients = self.numbers
        u = (m**2 - centre) / width
        total = torch.zeros_like(m)
        for coefficient in reversed(coefficients):
            total = (total + coefficient) * u
        found: Tensor = total * (volume / size)
        return found

    def grid(self, volume: int) -> tuple[Tensor, Tensor]:
        """Edges of the cells (CELLS + 1,) and the log density in each (CELLS,)."""
        edges = torch.linspace(-1, 1, CELLS + 1, dtype=torch.float64, device=self.numbers.device) * self._reach(volume)
        log = -self.action((edges[1:] + edges[:-1]) / 2, volume)
        return edges, log - torch.logsumexp(log, 0) - torch.log(edges[1] - edges[0])

    def _reach(self, volume: int) -> Tensor:
        """Find the end of the grid: the M where the density has fallen by e^−REACH for good."""
        _, centre, width = self.numbers[:3].detach()
        end = torch.sqrt(centre + 2 * width)
        part = torch.linspace(0, 1, 2001, dtype=torch.float64, device=end.device)
        for _ in range(60):
            values = self.action(end * part, volume).detach()
            inside = (values - values.min() < REACH).nonzero().max()
            if inside < len(part) - 1:
                return end * part[inside + 1]
            end = end * 1.3
        return end

    def draw(self, uniform: Tensor, volume: int) -> tuple[Tensor, Tensor]:
        """Draw M (n,) by inversion; also the log density of the mode √V M."""
        edges, log = self.grid(volume)
        log = log.detach()
        cumulated = torch.cumsum(log.exp(), 0)
        cumulated = cumulated / cumulated[-1]
        cell = torch.searchsorted(cumulated, uniform, right=True).clamp(max=CELLS - 1)
        below = torch.where(cell > 0, cumulated[cell - 1], 0.0)
        part = ((uniform - below) / (cumulated[cell] - below)).clamp(0, 1)
        m = edges[cell] + part * (edges[1] - edges[0])
        return m, log[cell] - 0.5 * math.log(volume)

    def log_density(self, m: Tensor, volume: int) -> Tensor:
        """Log density of √V M; −∞ beyond the grid."""
        edges, log = self.grid(volume)
        cell = torch.searchsorted(edges.detach(), m, right=True) - 1
        inside = (cell >= 0) & (cell < CELLS)
        return torch.where(inside, log[cell.clamp(0, CELLS - 1)], -torch.inf) - 0.5 * math.log(volume)

    @classmethod
    def fit(cls, m: Tensor, volume: int) -> "SlowMode":
        """Fit the density to M (n,) by maximum likelihood, with the highest degree that gives a density."""
        square = m.double() ** 2
        centre, width = square.mean(), square.std() + 1e-12 * square.mean()
        for degree in DEGREES:
            found = _newton(square, centre, width, degree)
            if found is not None:
                break
        else:
            found = torch.tensor([width / (2 * centre)], dtype=torch.float64)  # a Gaussian of that variance
        return cls(torch.cat([torch.stack([torch.tensor(float(volume), dtype=torch.float64), centre, width]), found]))


def _newton(square: Tensor, centre: Tensor, width: Tensor, degree: int) -> Tensor | None:
    """Find coefficients c (degree,), or None where it fails or gives no density that falls beyond the data."""
    u = (square - centre) / width
    target = torch.stack([(u**j).mean() for j in range(1, degree + 1)])
    m = torch.linspace(0, float((square.max() * 1.5).sqrt()), FIT_CELLS, dtype=torch.float64)
    powers = torch.stack([((m**2 - centre) / width) ** j for j in range(1, degree + 1)])
    c = torch.zeros(degree, dtype=torch.float64)
    c[0] = width / (2 * centre)
    value = _objective(c, powers, target)
    for _ in range(NEWTON):
        weight = torch.softmax(-c @ powers, 0)
        mean = powers @ weight
        hessian = (powers * weight) @ powers.T - torch.outer(mean, mean)
        step = torch.linalg.solve(hessian + RIDGE * torch.diag(hessian.diagonal() + RIDGE), target - mean)
        length = 1.0
        while _objective(c - length * step, powers, target) > value and length > 1e-6:
            length /= 2
        c = c - length * step
        new = _objective(c, powers, target)
        if abs(float(value - new)) < 1e-12:
            break
        value = new
    return c if bool(torch.isfinite(c).all()) and _falls(c, float(u.max())) else None


def _falls(c: Tensor, largest: float) -> bool:
    """Tell whether the density falls from the largest u of the data on: far out no likelihood says what it does."""
    slope = [j * float(each) for j, each in enumerate(c, 1)]
    turns = np.polynomial.polynomial.polyroots(slope)
    return slope[-1] > 0 and not any(turn.real > largest for turn in turns if abs(turn.imag) < REAL * (1 + abs(turn)))


def _objective(c: Tensor, powers: Tensor, target: Tensor) -> Tensor:
    """Mean of −log likelihood, without constants."""
    return c @ target + torch.logsumexp(-c @ powers, 0)
