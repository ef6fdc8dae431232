"""Langevin dynamics down a ladder of levels by the network's score, whose last levels the true action may adjust."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Annealed
from sqcli.diffusion.samplers._adjusted import Proposed, Stage, adjust
from sqcli.diffusion.samplers._adjusting import Adjusting, Descent
from sqcli.diffusion.samplers._base import MOST_STEPS
from sqcli.diffusion.samplers._ladder import Level
from sqcli.parameters import require_count
from sqcli.theories import Theory


@dataclass(frozen=True)
class LangevinLadder(Adjusting):
    """Base of samplers with Langevin steps at each level.

    Attributes:
        n_langevin: steps per level.
        step_size: size ε of the steps at the last level, in units of s².
        step_power: power of s with which it grows: 2, or 4 as published.
        n_mh: levels at the end of the ladder, beside the n_steps above, whose steps the true action adjusts.
        level_mh: level at which these begin; auto: with levels all evenly spaced.
    """

    n_langevin: int = 5
    step_size: float = 0.3
    step_power: float = 2.0
    n_mh: int = 0
    level_mh: Level = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("n_langevin", self.n_langevin, 1, MOST_STEPS)
        require_count("n_mh", self.n_mh, 0, MOST_STEPS)
        if self.step_size <= 0:
            raise ValueError(f"step_size must be positive, not {self.step_size}")
        if self.level_mh != "auto" and self.level_mh <= 0:
            raise ValueError(f"level_mh must be positive, not {self.level_mh}")

    @property
    def adjusted_levels(self) -> int:
        """Number of levels whose steps are accepted or rejected."""
        return self.n_mh

    @property
    def rungs(self) -> int:
        """Number of levels at which steps are taken."""
        return self.n_steps + self.n_mh

    def stats(self, theory: Theory) -> tuple[str, ...]:
        """Names of further numbers: those of all such samplers, and the acceptance at adjusted levels, from above."""
        return (*super().stats(theory), *(f"acceptance_level_{i}" for i in range(self.adjusted_levels)))

    @property
    def used(self) -> tuple[int, int]:
        """First numbers of the steps that are left for the last phase."""
        return 1 + self.rungs * self.n_langevin, 1 + self.adjusted_levels * self.n_langevin

    def levels(self, process: Annealed) -> Tensor:
        """Levels from above, the last n_mh of them adjusted."""
        low, high, middle = (0.0 if s == "auto" else s for s in (self.level_min, self.level_max, self.level_mh))
        if not (self.n_mh and middle):
            return process.annealing(self.n_steps + self.n_mh, low, high)
        above, below = process.annealing(self.n_steps, middle, high), process.annealing(self.n_mh, low, middle)
        return torch.cat([above, below[1:]])

    def descend(self, process: Annealed, noise: Noise) -> Descent:
        """Take Langevin steps at each level but the first, and the noise away unless the action adjusts them."""
        levels = self.levels(process)
        process, y = process.begin(noise, levels[0])
        for index, level in enumerate(levels[1 : self.n_steps + 1]):
            step = self._step(levels, level)
            for number in range(1 + index * self.n_langevin, 1 + (index + 1) * self.n_langevin):
                kick = level * (2 * step) ** 0.5 * process.kick(noise.normal(number))
                y = process.shifted(y, step * process.pull(y, level), kick)
        proposals = [Proposed(process, level) for level in levels[self.n_steps + 1 :]]
        y, shares = adjust(process, y, self.stages(proposals, levels, 1 + self.n_steps * self.n_langevin), noise)
        return Descent(process.finish(y, levels[-1] * (not self.n_mh), noise), named(shares))

    def _step(self, levels: Tensor, level: Tensor) -> float:
        """Step ε at a level, in units of s²."""
        return self.step_size * math.pow(float(level / levels[-1]), self.step_power - 2)

    def stages(self, targets: Sequence[Proposed], levels: Tensor, first: int) -> list[Stage]:
        """Stages of n_langevin adjusted steps each; `first` is the number of the first step's noise."""
        count = self.n_langevin
        sizes = [target.level**2 * self._step(levels, target.level) for target in targets]
        starts = range(0, count * len(targets), count)
        return [
            Stage(target, size, first + start, 1 + start, count)
            for target, size, start in zip(targets, sizes, starts, strict=True)
        ]


def named(shares: Sequence[Tensor]) -> dict[str, Tensor]:
    """Acceptance at each adjusted level as statistics."""
    return {f"acceptance_level_{i}": share for i, share in enumerate(shares)}
