"""Families of processes: how the statistics of each are fitted, its process built, and what it is worth measured.

A network names its family (`Net.process`). Each family is one object beside its process; this file finds it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from torch import Generator, Tensor

from sqcli.diffusion.nets import Net
from sqcli.diffusion.process.protocol import Process, Statistics
from sqcli.diffusion.schedules import Schedule
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

HOMES = {
    "euclidean": "sqcli.diffusion.models.euclidean",
    "pairs": "sqcli.diffusion.models.pairs",
    "links": "sqcli.diffusion.links.family",
    "plaquettes": "sqcli.diffusion.plaquettes.family",
}


class Family(Protocol):
    """Makers and measures of one kind of process."""

    def fit(self, fields: Tensor, theory: Theory, lattice: Lattice, net: Net) -> Any:
        """Fit statistics to configurations of a training ensemble, (n, *site), double precision, before training."""

    def from_tensors(self, scale: float, tensors: Mapping[str, Tensor]) -> Any:
        """Build statistics from a file's; KeyError or ValueError where the tensors do not fit each other."""

    def moved(self, statistics: Any, device: Any) -> Any:
        """Copy statistics to another device."""

    def process(
        self, net: Net, statistics: Any, schedule: Schedule, theory: Theory, lattice: Lattice, couplings: Tensor
    ) -> Process:
        """Put a network to work on one theory and lattice; UsageError where it cannot."""

    def calibrate(self, process: Any, fields: Tensor, seed: int) -> Statistics:
        """Measure on configurations what the trained network leaves; the statistics of the process with that."""

    def errors(self, process: Any, x0: Tensor, generator: Generator) -> list[tuple[str, Tensor]]:
        """Measure errors of a network on configurations by name, (n,) each, for the table of metrics."""


def family_of(net: Net) -> Family:
    """Find the family that the network belongs to."""
    found: Family = import_module(HOMES[net.process]).FAMILY
    return found
