"""Paths of lifted plaquettes on the plane Σ y = 2πK, up by forward and down by reverse kernels, with log densities.

A path has log q over its forward kernels of Σ log reverse − Σ log forward − Σ log W(y₀), prior and constants left out.
"""

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sqcli.diffusion.nets import PlaquetteMoments, PlaquetteNet
from sqcli.diffusion.plaquettes.kernel import ReverseKernel
from sqcli.diffusion.plaquettes.lift import TURN
from sqcli.diffusion.plaquettes.plane import component, log_white
from sqcli.diffusion.process.protocol import RandomNumbers

if TYPE_CHECKING:
    from sqcli.diffusion.plaquettes.process import PlaquetteProcess

GRID = 2048  # points of a kernel's table
REACH = 8.0  # standard deviations of a noised plaquette on either side of the grid


@dataclass(frozen=True)
class Later:
    """Random numbers whose normal ones begin `steps` steps later."""

    numbers: RandomNumbers
    steps: int

    def normal(self, step: int) -> Tensor:
        """Draw the normal numbers of a later step."""
        return self.numbers.normal(self.steps + step)

    def uniform(self, step: int) -> Tensor:
        """Draw uniform numbers."""
        return self.numbers.uniform(step)


def down(process: "PlaquetteProcess", y: Tensor, numbers: RandomNumbers, levels: Tensor) -> tuple[Tensor, Tensor]:
    """Go down from y at the last level by the reverse kernels: y₀ and log q, (n,)."""
    total = TURN * (y.sum(1) / TURN).round()
    log_q = torch.zeros_like(total)
    for i in range(len(levels) - 1, 0, -1):
        normal = numbers.normal(i)
        kernel = between(process, levels[i - 1], levels[i])
        below, log_reverse = kernel.draw(y, total, component(normal, 0), component(normal, 1))
        log_q = log_q + log_reverse - log_white(y - below, levels[i] ** 2 - levels[i - 1] ** 2)
        y = below
    return y, log_q - process.lift.log_share(y).sum(1)


def up(process: "PlaquetteProcess", y: Tensor, numbers: RandomNumbers, levels: Tensor) -> tuple[Tensor, Tensor]:
    """Go up from y₀ by the forward kernels: y at the last level and log q, (n,)."""
    log_q = -process.lift.log_share(y).sum(1)
    for i in range(1, len(levels)):
        normal, variance = numbers.normal(i), levels[i] ** 2 - levels[i - 1] ** 2
        noise = variance.sqrt() * process.kick(normal)
        kernel = between(process, levels[i - 1], levels[i])
        log_q = log_q + kernel.log_density(y, y + noise, component(normal, 1)[:, 0]) - log_white(noise, variance)
        y = y + noise
    return y, log_q


def between(process: "PlaquetteProcess", low: Tensor, high: Tensor) -> ReverseKernel:
    """Find or make the kernel between two levels (); where gradients are wanted it is made anew, with them."""
    process.raise_if_stopped()
    if torch.is_grad_enabled() and process.net.training:
        return _made(process, process.net, low, high)
    levels, weights = (float(low), float(high)), sum(p._version for p in process.net.parameters())
    found = process.kernels.get(levels)
    if found is None or found[0] != weights:
        with torch.no_grad():
            found = weights, _made(process, copy.deepcopy(process.net).double(), low, high)
        process.kernels[levels] = found
    return found[1]


def _made(process: "PlaquetteProcess", net: PlaquetteNet, low: Tensor, high: Tensor) -> ReverseKernel:
    """Tabulate the kernel between two levels."""
    reach = REACH * math.sqrt(process.lift.variance + float(high) ** 2)
    grid = torch.linspace(-reach, reach, GRID, dtype=torch.float64, device=process.device)
    mean, variance = replace(process, net=net).moments(grid[None], high)
    return ReverseKernel.tabulated(grid, PlaquetteMoments(mean[0], variance[0]), float(low), float(high))
