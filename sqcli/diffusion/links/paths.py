"""Paths of links by recorded increments, whose weights are exact for any score and any group.

Forward: U_i = exp(iε_i) U_{i−1}, ε_i ~ N(0, δ_i²) in the algebra, δ_i² = s_i² − s_{i−1}². Reverse: from a law p(U_N) at
the top, of density 1 over Haar's measure or of another that is known (`priors.py`), U_{i−1} = exp(−iε_i) U_i with
ε_i ~ N(m, v) of any m(U_i), v(U_i). At fixed ε's the map U_N → U_0 preserves Haar's measure, so that a path has the
weight

    w = e^{−S(U_0)}/p(U_N) ∏_i N(ε_i; 0, δ_i²) / N(ε_i; m(U_i), v(U_i)),   ⟨w⟩ = Z,

without heat kernels and without sums over windings. To leading order m = −δ² ∂ log p_s and v = δ² (1 + δ² ∂² log p_s),
with second derivatives between the links of each plaquette (`kernels.py`).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sqcli.diffusion.links.kernels import LinkKernel, reverse_kernel
from sqcli.diffusion.links.lie import LinkManifold, haar_calls, move
from sqcli.diffusion.links.priors import Prior
from sqcli.diffusion.nets import LinkScore
from sqcli.diffusion.process.protocol import RandomNumbers

Score = Callable[[Tensor, Tensor], LinkScore]
FINE = 2001  # points of the density of levels
REST = 0.1  # least density of levels, of the greatest


@dataclass(frozen=True)
class LinkPaths:
    """A ladder of levels with the reverse kernels that belong to it.

    Attributes:
        manifold: group of the links.
        score: score and curvature of links (n, *site) at a level ().
        levels: 0 = s_0 < s_1 < … < s_N, (N + 1,).
        ratio: factors of the variances of the reverse kernels, from the level s_i down, (N,).
        prior: law p of links at the top.
    """

    manifold: LinkManifold
    score: Score
    levels: Tensor
    ratio: Tensor
    prior: Prior

    def descend(self, numbers: RandomNumbers) -> tuple[Tensor, Tensor]:
        """Draw paths from the top: their ends, (n, *site), and log q over the forward kernels, (n,)."""
        top = len(self.levels) - 1
        calls = [0, *range(top + 1, top + haar_calls(self.manifold))]
        links = self.prior.draw([numbers.normal(step) for step in calls])
        found, log_q = self._down(links, top, numbers, 0)
        return found, log_q + self.prior.log_density(links)

    def log_density(self, fields: Tensor, numbers: RandomNumbers) -> Tensor:
        """Draw forward paths from given fields to the top: log q of them over the forward kernels, (n,)."""
        links, log_q = self._up(fields, len(self.levels) - 1, numbers)
        return log_q + self.prior.log_density(links)

    def partial(self, fields: Tensor, numbers: RandomNumbers, rungs: int) -> tuple[Tensor, Tensor]:
        """Go up so many rungs and come back: new fields, and log q′ − log q of the way down and the way up, (n,)."""
        above, log_up = self._up(fields, rungs, numbers)
        found, log_down = self._down(above, rungs, numbers, len(self.levels))
        return found, log_down - log_up

    def residuals(self, fields: Tensor, numbers: RandomNumbers) -> Iterator[Tensor]:
        """Measure the mean over links of (ε − m)²/v on forward paths from given fields, rung by rung: (n,)."""
        for links, increment, rung in self._forward(fields, len(self.levels) - 1, numbers):
            yield (self._kernel(links, rung).normal(increment) ** 2).flatten(1).mean(1)

    def _forward(self, links: Tensor, rungs: int, numbers: RandomNumbers) -> Iterator[tuple[Tensor, Tensor, int]]:
        """Go up by the forward kernels: links, the increments that led there, and the rung."""
        for rung in range(1, rungs + 1):
            increment = torch.sqrt(self._step(rung)) * numbers.normal(rung)
            links = move(self.manifold, links, increment)
            yield links, increment, rung

    def _up(self, links: Tensor, rungs: int, numbers: RandomNumbers) -> tuple[Tensor, Tensor]:
        """Go up, with log q over the forward kernels."""
        total: Tensor | float = 0.0
        for now, increment, rung in self._forward(links, rungs, numbers):
            kernel = self._kernel(now, rung)
            links, total = now, total + kernel.log_ratio(increment, kernel.normal(increment))
        return links, torch.as_tensor(total)

    def _down(self, links: Tensor, rungs: int, numbers: RandomNumbers, offset: int) -> tuple[Tensor, Tensor]:
        """Come down by the reverse kernels, with log q over the forward kernels; `offset` of random numbers."""
        total: Tensor | float = 0.0
        for rung in range(rungs, 0, -1):
            kernel, normal = self._kernel(links, rung), numbers.normal(offset + rung)
            increment = kernel.increment(normal)
            total = total + kernel.log_ratio(increment, normal)
            links = move(self.manifold, links, -increment)
        return links, torch.as_tensor(total)

    def _step(self, rung: int) -> Tensor:
        """Variance δ² of the forward kernel to a level, ()."""
        return self.levels[rung] ** 2 - self.levels[rung - 1] ** 2

    def _kernel(self, links: Tensor, rung: int) -> LinkKernel:
        """Reverse kernel from a level down."""
        found = self.score(links, self.levels[rung])
        return reverse_kernel(self.manifold, links, found, self._step(rung), self.ratio[rung - 1])


def ladder(steps: int, low: float, high: float, casimir: float) -> Tensor:
    """Levels of a path: 0, then `steps` from `low` to `high`, (steps + 1,).

    In the logarithm of the level they are as dense as y^{3/2} e^{−y}, y = 2Cs², and nowhere less than `REST` of the
    most: that is about the square root of what a step adds to the variance of log w over its width squared, in U(1) at
    β = 1 to 7. Below, the force is almost constant along a step; above, little is left of plaquettes.

    Args:
        steps: number of levels above 0.
        low: the lowest of them.
        high: the highest, at least twice the lowest.
        casimir: C of the group, Σ_a T_a T_a.
    """
    places = np.linspace(math.log(low), math.log(max(high, 2 * low)), FINE)
    decay = 2 * casimir * np.exp(2 * places)
    density = (decay / 1.5) ** 1.5 * np.exp(1.5 - decay) + REST
    sums = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    levels = np.exp(np.interp(np.linspace(0, sums[-1], steps), sums, places)) if steps > 1 else np.exp(places[-1:])
    return torch.cat([torch.zeros(1, dtype=torch.float64), torch.from_numpy(levels)])
