"""Process of links: a network of scores at work on one gauge theory, in Brownian motion on its group."""

import threading
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Generator, Tensor

from sqcli.diffusion.links import losses
from sqcli.diffusion.links.annealing import LinkAnnealing
from sqcli.diffusion.links.lie import LinkManifold, casimir, link_manifold
from sqcli.diffusion.links.paths import LinkPaths, ladder
from sqcli.diffusion.links.priors import HaarPrior, prior
from sqcli.diffusion.links.statistics import LinkStatistics, top_level
from sqcli.diffusion.nets import LinkContext, LinkNet, LinkScore
from sqcli.diffusion.process.protocol import RandomNumbers
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import Stopped
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

RANDOM = 0.999  # levels above this part of `top` make links random


@dataclass(frozen=True)
class LinkProcess(LinkAnnealing):
    """A model's network at work on one lattice, for one theory.

    Attributes:
        net: in evaluation mode, on the device where fields are wanted.
        statistics: widths and tables learnt beside the weights, on the same device.
        schedule: the model's noise schedule; levels here come from the links themselves.
        theory: the gauge theory whose configurations are wanted.
        lattice: the lattice of the configurations, of any size.
        couplings: numbers that the network is conditioned on, (c,) float64; empty when it is not.
        stop: once it is set every further evaluation raises Stopped, so that a sampler ends in the middle of a draw.
    """

    net: LinkNet
    statistics: LinkStatistics
    schedule: Schedule
    theory: Theory
    lattice: Lattice
    couplings: Tensor
    stop: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def device(self) -> torch.device:
        """Device on which fields have to be."""
        return self.couplings.device

    @property
    def manifold(self) -> LinkManifold:
        """Group of the links."""
        return link_manifold(self.theory)

    @property
    def unit(self) -> float:
        """Unit of levels: half the width of a plaquette at this coupling."""
        return self.statistics.unit(self.theory)

    @property
    def top(self) -> float:
        """Level at which plaquettes are random; above the coarsest of the smallest levels."""
        return max(top_level(self.theory), 2 * self.unit)

    def stopped_by(self, stop: threading.Event) -> "LinkProcess":
        """Copy the process, with another event that stops it."""
        return replace(self, stop=stop)

    def raise_if_stopped(self) -> None:
        """Raise Stopped once the run is to end.

        Raises:
            Stopped: the run is to end.
        """
        if self.stop.is_set():
            raise Stopped("stopped in the middle of a draw; run again to go on")

    def from_field(self, field: Tensor) -> Tensor:
        """Return the links as they are."""
        return field

    def context(self, links: Tensor) -> LinkContext:
        """Input of the network beside links and level."""
        told = self.couplings.expand(len(links), -1)
        return LinkContext(self.theory, self.lattice, told, self.statistics.beta_trained)

    def score(self, links: Tensor, level: Tensor) -> LinkScore:
        """Compute the score and its curvature of links (n, *site) at levels () or (n,).

        Raises:
            Stopped: the run is to end.
        """
        self.raise_if_stopped()
        found: LinkScore = self.net(links, level.expand(len(links)), self.context(links))
        return found

    def ladder(self, steps: int, low: float, high: float) -> Tensor:
        """Levels of a path: from `low` units to `high`, 0 for where plaquettes are random, (steps + 1,)."""
        levels = ladder(steps, low * self.unit, high or self.top, casimir(self.manifold))
        return levels.to(self.device)

    def paths(self, levels: Tensor) -> LinkPaths:
        """Paths on a ladder of levels, with the measured factors of their variances; from Haar's measure at `top`."""
        wanted: Any = self.theory
        high = float(levels[-1])
        law = HaarPrior(self.manifold) if high > RANDOM * self.top else prior(wanted, self.lattice, high)
        return LinkPaths(self.manifold, self.score, levels, self.statistics.ratios(levels), law)

    def descend(self, numbers: RandomNumbers, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Draw paths by the reverse kernels: their ends, (n, *site), and log q over the forward kernels, (n,)."""
        return self.paths(levels).descend(numbers)

    def log_density(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor) -> Tensor:
        """Draw forward paths from given fields: log q of these paths over the forward kernels, (n,)."""
        return self.paths(levels).log_density(fields, numbers)

    def partial(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor, rungs: int) -> tuple[Tensor, Tensor]:
        """Noise fields up to levels[rungs] and come back: new fields, and log q′ − log q of the half paths, (n,)."""
        return self.paths(levels).partial(fields, numbers, rungs)

    def denoising_loss(self, x0: Tensor, generator: Generator, single_shot: bool) -> Tensor:
        """Compute the loss of denoising score matching, (n,)."""
        return losses.denoising(self, x0, generator, single_shot)

    def implicit_loss(self, x0: Tensor, generator: Generator, probes: int) -> Tensor:
        """Compute the loss of implicit score matching, (n,)."""
        return losses.implicit(self, x0, generator, probes)

    def target_loss(self, x0: Tensor, generator: Generator) -> Tensor:
        """Compute the loss of target score matching, (n,)."""
        return losses.target(self, x0, generator)
