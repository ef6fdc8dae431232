"""Links as a process whose score dynamics can follow down a ladder of levels, from Haar's measure; see `Annealed`."""

import math
from abc import ABC, abstractmethod
from typing import Any, Self

import torch
from torch import Tensor

from sqcli.diffusion.links.lie import LinkManifold, haar, haar_calls, move
from sqcli.diffusion.nets import LinkContext, LinkNet, LinkScore
from sqcli.diffusion.process.protocol import RandomNumbers
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

LOWEST = 0.3  # last level by itself, in units of half a plaquette's width
START = 1 << 27  # numbers of random numbers from here on are not the dynamics'


class LinkAnnealing(ABC):
    """Base of a process of links, which brings scores, levels and their unit."""

    net: LinkNet
    theory: Theory
    lattice: Lattice

    @property
    @abstractmethod
    def manifold(self) -> LinkManifold:
        """Group of the links."""

    @property
    @abstractmethod
    def unit(self) -> float:
        """Unit of the lowest level."""

    @property
    @abstractmethod
    def top(self) -> float:
        """Level at which links are random."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Device of the links."""

    @abstractmethod
    def score(self, links: Tensor, level: Tensor) -> LinkScore:
        """Score and curvature."""

    @abstractmethod
    def context(self, links: Tensor) -> LinkContext:
        """Input of the network beside links and level."""

    def annealing(self, steps: int, low: float, high: float) -> Tensor:
        """Levels even in the logarithm, from `high` to `low`; 0: from random links to a small part of a unit."""
        low, high = low or LOWEST * self.unit, high or self.top
        ends = math.log10(max(high, 2 * low)), math.log10(low)
        return torch.logspace(*ends, steps + 1, dtype=torch.float64, device=self.device)

    def begin(self, numbers: RandomNumbers, level: Tensor) -> tuple[Self, Tensor]:
        """Draw links by Haar's measure."""
        calls = [0, *range(START, START + haar_calls(self.manifold) - 1)]
        return self, haar(self.manifold, [numbers.normal(step) for step in calls])

    def pull(self, noised: Tensor, level: Tensor) -> Tensor:
        """Compute s² ∇ log p_s."""
        return level**2 * self.score(noised, level).score

    def kick(self, normal: Tensor) -> Tensor:
        """Return the noise, in the shape of links' tangent vectors as it is."""
        return normal

    def shifted(self, noised: Tensor, *parts: Tensor) -> Tensor:
        """Multiply links by exponentials from the left."""
        return move(self.manifold, noised, sum(parts[1:], parts[0]))

    def returned(self, old: Tensor, new: Tensor, *parts: Tensor) -> Tensor:
        """Tangent vector of the way back: minus that of the way there."""
        return -sum(parts[1:], parts[0])

    def action(self, noised: Tensor) -> Tensor:
        """Action of links, whatever their noise."""
        return torch.as_tensor(self.theory.action(noised, self.lattice))

    def finish(self, noised: Tensor, level: Tensor, numbers: RandomNumbers) -> Tensor:
        """Take half of a denoising step, U → exp(i ½ s² ∇ log p_s) U; none at level 0."""
        return self.shifted(noised, self.pull(noised, level) / 2) if float(level) else noised

    def require_energy(self) -> None:
        """Raise UsageError where the network has no energy."""
        if not hasattr(self.net, "energy"):
            raise UsageError("weights=jarzynski needs a network with an energy, such as lcnn with head=energy")
        cold = torch.from_numpy(self.manifold.cold(self.lattice))[None]
        self.energy(cold, torch.ones((), dtype=torch.float64))

    def energy(self, noised: Tensor, level: Tensor) -> Tensor:
        """Energy of the network, (n,)."""
        net: Any = self.net
        return torch.as_tensor(net.energy(noised, level.expand(len(noised)), self.context(noised)))

    def log_begin(self, noised: Tensor) -> Tensor:
        """Return 0: Haar's measure is that of the action."""
        return torch.zeros(len(noised), dtype=torch.float64, device=noised.device)
