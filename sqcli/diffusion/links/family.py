"""Family of links: `LinkProcess` with `LinkStatistics`, fitted before training and calibrated after it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from sqcli.diffusion.links.losses import LOWEST, mixed_target, noise
from sqcli.diffusion.links.process import LinkProcess
from sqcli.diffusion.links.statistics import LinkStatistics, fit
from sqcli.diffusion.nets import LinkNet
from sqcli.diffusion.objectives import GeneratorNumbers
from sqcli.diffusion.schedules import Schedule
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

LEVELS = 6  # levels at which errors are measured
STEPS, LOW = 16, 0.3  # the ladder on which residuals are measured
BATCH = 64


@dataclass(frozen=True)
class LinkFamily:
    """Family of links on any group."""

    def fit(self, fields: Tensor, theory: Theory, lattice: Lattice, net: LinkNet) -> LinkStatistics:
        """Fit the width of plaquettes and the stiffness of the action."""
        return fit(fields, lattice, theory)

    def from_tensors(self, scale: float, tensors: Mapping[str, Tensor]) -> LinkStatistics:
        """Build statistics; ValueError where the tables do not fit each other."""
        return LinkStatistics.from_tensors(scale, tensors)

    def moved(self, statistics: LinkStatistics, device: torch.device) -> LinkStatistics:
        """Copy statistics to another device."""
        return statistics.to(device)

    def process(
        self, net: LinkNet, statistics: LinkStatistics, schedule: Schedule, theory: Theory, lattice: Lattice,
        couplings: Tensor,
    ) -> LinkProcess:  # fmt: skip
        """Put a network to work on one theory and lattice."""
        return LinkProcess(net, statistics, schedule, theory, lattice, couplings)

    def calibrate(self, process: LinkProcess, fields: Tensor, seed: int) -> LinkStatistics:
        """Measure the variances of reverse kernels."""
        return calibrate(process, fields, seed)

    def errors(self, process: LinkProcess, x0: Tensor, generator: Generator) -> list[tuple[str, Tensor]]:
        """Measure `error@s`, s² |score − target|² per tangent component at some levels s."""
        found = []
        ends = torch.tensor([process.top, LOWEST * process.unit], dtype=torch.float64).log()
        for level in torch.linspace(float(ends[0]), float(ends[1]), LEVELS, dtype=torch.float64).exp():
            noised = noise(process, x0, level.to(x0.device).expand(len(x0)), generator)
            score = process.score(noised.links, noised.level).score
            error = (score - mixed_target(process, x0, noised)) ** 2
            found.append((f"error@{float(level):.3g}", level * level * error.flatten(1).mean(1)))
        return found


@torch.no_grad()
def calibrate(process: LinkProcess, fields: Tensor, seed: int) -> LinkStatistics:
    """Measure mean squares of what the reverse kernels leave, over predicted variances; the statistics with them.

    What the kernels miss is of the order of the step δ², so that e of the factor 1 + e δ²/s² serves other ladders too.

    Args:
        process: the process with the trained network.
        fields: configurations (n, *site) of the process's lattice, better not those trained on.
        seed: the seed of the noise.
    """
    generator = torch.Generator(process.device).manual_seed(seed)
    levels = process.ladder(STEPS, LOW, 0.0)
    plain = replace(process.statistics, excess=torch.zeros_like(process.statistics.excess))
    paths = replace(process, statistics=plain).paths(levels)
    tangent, total = process.manifold.tangent(process.lattice), torch.zeros_like(levels[1:])
    for part in (fields[i : i + BATCH].to(process.device) for i in range(0, len(fields), BATCH)):
        numbers = GeneratorNumbers(len(part), tangent, process.device, generator)
        total += torch.stack([each.sum() for each in paths.residuals(part, numbers)])
    share = 1 - (levels[:-1] / levels[1:]) ** 2
    return replace(process.statistics, levels=levels[1:], excess=(total / len(fields) - 1) / share)


FAMILY = LinkFamily()
