"""Processes of links whose score is known: the exact force at every level, or that of the noised action."""

import threading
from dataclasses import dataclass, field, replace

import torch

from sqcli.diffusion.links.annealing import LinkAnnealing
from sqcli.diffusion.links.lie import casimir
from sqcli.diffusion.nets import LinkContext, LinkScore
from sqcli.errors import Stopped
from sqcli.lattice.geometry import Lattice

NUMBER = torch.float64


class Wilson:
    """Network with the energy β e^{−2Cs²}/β · S, right to first order in β; `damped` false: S at every level."""

    def __init__(self, damped=True, factor=1.0):
        self.damped, self.factor = damped, factor

    def strength(self, level, theory):
        return self.factor * torch.exp(-2 * casimir(theory.manifold) * level**2 * self.damped)

    def energy(self, links, level, context):
        return self.strength(level, context.theory) * context.theory.action(links, context.lattice)

    def score(self, links, level, context):
        drift = context.theory.drift(links, context.lattice)
        return self.strength(level, context.theory).reshape(-1, *(1,) * (drift.dim() - 1)) * drift


@dataclass(frozen=True)
class ForcedLinks(LinkAnnealing):
    """A process of links with a network of `Wilson`."""

    net: Wilson
    theory: object
    lattice: Lattice
    top: float = 2.0
    stop: threading.Event = field(default_factory=threading.Event, compare=False)
    unit: float = 0.3
    statistics: None = None
    device: str = "cpu"

    @property
    def manifold(self):
        return self.theory.manifold

    def stopped_by(self, stop):
        return replace(self, stop=stop)

    def raise_if_stopped(self):
        if self.stop.is_set():
            raise Stopped("stopped")

    def from_field(self, links):
        return links

    def ladder(self, steps, low, high):
        levels = torch.linspace(0, 1, steps, dtype=NUMBER)
        low, high = low * self.unit, high or self.top
        return torch.cat([torch.zeros(1, dtype=NUMBER), low * (high / low) ** levels])

    def context(self, links):
        return LinkContext(self.theory, self.lattice, torch.zeros(len(links), 0, dtype=NUMBER), self.theory.beta)

    def score(self, links, level):
        self.raise_if_stopped()
        found = self.net.score(links, level.expand(len(links)), self.context(links))
        return LinkScore(found, torch.zeros(len(links), self.lattice.dimension, *self.lattice.extents, dtype=NUMBER))
