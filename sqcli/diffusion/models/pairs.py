"""Family of complex fields as pairs (Re, Im) with Gaussian noise: `Pairs` with `PairStatistics`."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.models.euclidean import Euclidean
from sqcli.diffusion.nets import Net
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.process.pairs import Pairs, PairStatistics
from sqcli.diffusion.schedules import Schedule
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


@dataclass(frozen=True)
class ComplexPairs(Euclidean):
    """Family of one complex number per site."""

    def fit(self, fields: Tensor, theory: Theory, lattice: Lattice, net: Net) -> PairStatistics:
        """Take the second moments of real and imaginary parts down; RuntimeError where these are proportional."""
        parts = torch.stack([fields.real.flatten(), fields.imag.flatten()])
        return PairStatistics.of(torch.linalg.cholesky(parts @ parts.T / parts.shape[1]))

    def from_tensors(self, scale: float, tensors: Mapping[str, Tensor]) -> PairStatistics:
        """Build statistics; ValueError where the matrix is none that whitens."""
        return PairStatistics.of(tensors["root"])

    def process(
        self, net: Net, statistics: ModeStatistics, schedule: Schedule, theory: Theory, lattice: Lattice,
        couplings: Tensor,
    ) -> Pairs:  # fmt: skip
        """Put a network to work on one theory and lattice."""
        assert isinstance(statistics, PairStatistics)
        return Pairs(net, statistics, schedule, theory, lattice, couplings)

    def calibrate(self, process: Denoiser, fields: Tensor, seed: int) -> ModeStatistics:
        """Return the statistics as they are: paths of pairs, which need more, have no use without a density."""
        return process.statistics


FAMILY = ComplexPairs()
