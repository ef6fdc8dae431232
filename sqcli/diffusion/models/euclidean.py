"""Family of real fields with Gaussian noise: `Denoiser` with `ModeStatistics`."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from sqcli.diffusion.models.fitting import calibrate, fit
from sqcli.diffusion.nets import Net
from sqcli.diffusion.objectives import mean_square, noisy
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.schedules import Schedule
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

LEVELS = 6  # intervals between the levels at which errors are measured, and one more


@dataclass(frozen=True)
class Euclidean:
    """Family of one real number per site."""

    def fit(self, fields: Tensor, theory: Theory, lattice: Lattice, net: Net) -> ModeStatistics:
        """Fit units, spectra, and the density of the slow mode where the net has one."""
        return fit(fields, lattice, net.slow_mode)

    def from_tensors(self, scale: float, tensors: Mapping[str, Tensor]) -> ModeStatistics:
        """Build statistics; ValueError where the tables do not fit each other."""
        statistics = ModeStatistics.from_tensors(scale, tensors)
        (rows,), (levels,) = statistics.phat2.shape, statistics.levels.shape
        fits = statistics.stiffness.shape[1:] == (rows,) and statistics.ratio.shape == (levels, rows)
        double = all(value.dtype == torch.float64 for value in statistics.tensors().values())
        if not (fits and rows and levels and double):
            raise ValueError("the tables of facts do not fit each other")
        return statistics

    def moved(self, statistics: ModeStatistics, device: torch.device) -> ModeStatistics:
        """Copy statistics to another device."""
        return statistics.to(device)

    def process(
        self, net: Net, statistics: ModeStatistics, schedule: Schedule, theory: Theory, lattice: Lattice,
        couplings: Tensor,
    ) -> Denoiser:  # fmt: skip
        """Put a network to work on one theory and lattice."""
        return Denoiser(net, statistics, schedule, theory, lattice, couplings)

    def calibrate(self, process: Denoiser, fields: Tensor, seed: int) -> ModeStatistics:
        """Measure what denoising leaves of each mode."""
        return calibrate(process, fields, seed)

    def errors(self, process: Denoiser, x0: Tensor, generator: Generator) -> list[tuple[str, Tensor]]:
        """Measure `error@s`, ‖D − x₀‖²/s² per mode at some levels s."""
        x, given, _ = process.split(x0)
        found = []
        for level in process.schedule.levels(LEVELS - 1).flip(0).to(process.device):
            y = noisy(process, x, level.expand(len(x)), generator)
            error = mean_square(process, process.denoise(y, level, given) - x) / level**2
            found.append((f"error@{float(level):.3g}", error))
        return found


FAMILY = Euclidean()
