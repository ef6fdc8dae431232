"""Metropolis-adjusted annealed Langevin (2502.05504): down the ladder by the network's score, at last by the force.

Per level n_langevin steps y ← y + ε ∇log p_s + √(2ε) z with ε = step_size · s² (s/s_min)^{step_power − 2}; published
is ε ∝ (t/t_min)² at times t even in their logarithm, which is step_power = 4, as t = s² for small noise. On the
lowest n_mh levels, below level_mh (t_mh of the literature), the action decides on each step of the score. Then the
noise is taken away, unless it was so adjusted, and n_adjusted steps follow of Langevin with the exact force, accepted
with min(1, e^{−ΔS} q(φ|φ')/q(φ'|φ)) (MALA), or trajectories of adjusted_leapfrog steps each (HMC): a Markov chain of
the wanted action, whatever the network was trained for.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Annealed, Energetic, Process
from sqcli.diffusion.samplers._adjusted import Stage
from sqcli.diffusion.samplers._adjusting import Descent
from sqcli.diffusion.samplers._annealed import annealed_of
from sqcli.diffusion.samplers._jarzynski import AtLevel, anneal, energetic_of, unanneal
from sqcli.diffusion.samplers._langevin_ladder import LangevinLadder, named
from sqcli.exactness import Exactness


@dataclass(frozen=True)
class AdjustedLangevin(LangevinLadder):
    """Sampler whose draws are the ends of short independent chains.

    Attributes:
        weights: jarzynski: the energy of the network adjusts the steps at each level, and draws have exact weights.
    """

    weights: Literal["none", "jarzynski"] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weighs and self.n_mh:
            raise ValueError("n_mh must be 0 with weights=jarzynski, where the network's energy adjusts all levels")

    @property
    def weighs(self) -> bool:
        """Tell whether draws come with weights."""
        return self.weights == "jarzynski"

    @property
    def rungs(self) -> int:
        """Number of levels at which steps are taken."""
        return self.n_steps + 1 if self.weighs else super().rungs

    @property
    def adjusted_levels(self) -> int:
        """Number of levels whose steps are accepted or rejected: with weights all."""
        return self.rungs if self.weighs else self.n_mh

    def check(self, process: Process) -> None:
        """UsageError where the process has no score to follow, or no energy for weights."""
        super().check(process)
        if self.weighs:
            energetic_of(process)

    def exactness(self, process: Process | None = None) -> Exactness:
        """State that draws are weighted by their work, or uncorrected as long as nothing is measured."""
        if self.weighs:
            return Exactness("weighted", "annealed importance sampling by the network's energies (Jarzynski)")
        return super().exactness(process)

    def descend(self, process: Annealed, noise: Noise) -> Descent:
        """Follow the network down, with the log weight of the way where the network has energies."""
        if not self.weighs:
            return super().descend(process, noise)
        known, levels = energetic_of(process), self.levels(process)
        known, y = known.begin(noise, levels[0])
        y, log_weight, shares = anneal(known, y, self._stages(known, levels), noise)
        return Descent(known.finish(y, levels[-1] * 0, noise), named(shares), log_weight)

    @torch.no_grad()
    def log_density(self, process: Process, fields: Tensor, noise: Noise) -> Tensor:
        """Log density, −S − log w, by the way back up the ladder."""
        known = energetic_of(annealed_of(process))
        below = self.back(process, fields, noise)
        log_weight = unanneal(known, below, self._stages(known, self.levels(known)), noise)
        return torch.as_tensor(-known.theory.action(fields, known.lattice) - log_weight)

    def _stages(self, process: Energetic, levels: Tensor) -> list[Stage]:
        """Stages at all levels, adjusted by the network's energies."""
        return self.stages([AtLevel(process, level) for level in levels], levels, 1)
