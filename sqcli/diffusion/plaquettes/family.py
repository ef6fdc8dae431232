"""Family of plaquettes: what training and models know of `PlaquetteProcess` and its statistics."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from sqcli.diffusion.nets import PlaquetteNet
from sqcli.diffusion.plaquettes.fitting import PlaquetteStatistics
from sqcli.diffusion.plaquettes.loss import mean_target, noisy
from sqcli.diffusion.plaquettes.process import PlaquetteProcess
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory
from sqcli.theories.u1 import U1

RATIOS = (0.1, 0.3, 1.0, 3.0)  # noise levels at which errors are measured, in units of σ


@dataclass(frozen=True)
class Plaquettes:
    """Family of lifted plaquettes of two-dimensional U(1)."""

    def fit(self, fields: Tensor, theory: Theory, lattice: Lattice, net: PlaquetteNet) -> PlaquetteStatistics:
        """Take the inverse coupling of the ensemble down."""
        return PlaquetteStatistics.trained_at(_u1(theory).beta)

    def from_tensors(self, scale: float, tensors: Mapping[str, Tensor]) -> PlaquetteStatistics:
        """Build statistics; ValueError where the tensors are none."""
        return PlaquetteStatistics.from_tensors(scale, tensors)

    def moved(self, statistics: PlaquetteStatistics, device: torch.device) -> PlaquetteStatistics:
        """Copy statistics to another device."""
        return statistics.to(device)

    def process(
        self,
        net: PlaquetteNet,
        statistics: PlaquetteStatistics,
        schedule: Schedule,
        theory: Theory,
        lattice: Lattice,
        couplings: Tensor,
    ) -> PlaquetteProcess:
        """Put a network to work on one torus; it knows the coupling from the theory, and levels from its own ladder."""
        return PlaquetteProcess(net, statistics, _u1(theory), lattice)

    def calibrate(self, process: PlaquetteProcess, fields: Tensor, seed: int) -> PlaquetteStatistics:
        """Return the statistics as they are: the network knows its variances itself."""
        return process.statistics

    def errors(self, process: PlaquetteProcess, x0: Tensor, generator: Generator) -> list[tuple[str, Tensor]]:
        """Measure `error@s`, ‖D − T‖²/s² per plaquette at levels s in units of σ."""
        found = []
        for ratio in RATIOS:
            level = torch.full((len(x0),), ratio * process.lift.width2**0.5, dtype=torch.float64, device=x0.device)
            _, y0, y = noisy(process, x0, generator, level)
            error = process.denoise(y, level) - mean_target(process, level, y0, y)
            found.append((f"error@{ratio:g}", (error**2).mean(1) / level**2))
        return found


def _u1(theory: Theory) -> U1:
    """The theory, if it is U(1)."""
    if not isinstance(theory, U1):
        raise UsageError(f"plaquettes diffuse in u1, not in {type(theory).__name__.lower()}")
    return theory


FAMILY = Plaquettes()
