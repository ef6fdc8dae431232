"""Predictor–corrector with a corrector by molecular dynamics (2605.06134), at last by Langevin with the exact force.

Predictor, from level s to s': y' = y + (s² − s'²) ∇log p_s + √(s² − s'²) z. Corrector: momenta p ~ N(0, 1) drawn anew,
then leapfrog with the force ∇log p_{s'} for the time `length` · s'. Nothing decides there, as the score has no energy.
Then the noise is taken away, and n_adjusted steps of Langevin with the exact force follow as in `maala`.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Annealed
from sqcli.diffusion.samplers._adjusting import Adjusting, Descent
from sqcli.diffusion.samplers._base import MOST_STEPS
from sqcli.parameters import require_count


@dataclass(frozen=True)
class MolecularCorrector(Adjusting):
    """Predictor–corrector whose draws are the ends of short independent chains.

    Attributes:
        n_correct: trajectories per level.
        n_leapfrog: leapfrog steps of a trajectory.
        length: length of a trajectory, in units of s.
    """

    n_correct: int = 1
    n_leapfrog: int = 4
    length: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("n_correct", self.n_correct, 0, MOST_STEPS)
        require_count("n_leapfrog", self.n_leapfrog, 1, MOST_STEPS)
        if self.length <= 0:
            raise ValueError(f"length must be positive, not {self.length}")

    @property
    def used(self) -> tuple[int, int]:
        """First numbers of the steps that are left for the last phase."""
        return 1 + self.n_steps * (1 + self.n_correct), 1

    def descend(self, process: Annealed, noise: Noise) -> Descent:
        """Take a predictor step and trajectories from each level to the next, then the noise away."""
        low, high = (0.0 if s == "auto" else s for s in (self.level_min, self.level_max))
        levels, number = process.annealing(self.n_steps, low, high), 1
        process, y = process.begin(noise, levels[0])
        for above, below in pairwise(levels):
            kick = torch.sqrt(above**2 - below**2) * process.kick(noise.normal(number))
            y = process.shifted(y, (1 - (below / above) ** 2) * process.pull(y, above), kick)
            for i in range(self.n_correct):
                y = self._trajectory(process, y, process.kick(noise.normal(number + 1 + i)), below)
            number += 1 + self.n_correct
        return Descent(process.finish(y, levels[-1], noise), {})

    def _trajectory(self, process: Annealed, y: Tensor, momentum: Tensor, level: Tensor) -> Tensor:
        """Follow a trajectory by leapfrog steps of the width δ·s, on momenta in units of 1."""
        width = self.length / self.n_leapfrog
        momentum = momentum + width / 2 * process.pull(y, level) / level
        for i in range(self.n_leapfrog):
            y = process.shifted(y, width * level * momentum)
            if i < self.n_leapfrog - 1:
                momentum = momentum + width * process.pull(y, level) / level
        return y
