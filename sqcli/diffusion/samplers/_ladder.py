"""The loop that samplers share: from N(0, G + s²_max) down a ladder of noise levels, then on to s = 0.

All work in y = x_t/α(t) with the probability flow dy/d ln s = y − D(y, s). From the last level s_min to 0 it is half
of a denoising step, y − ½(y − D): a mode of variance G then comes out with an error of ¼(s²_min/G)², where stopping
at s_min leaves +s²_min/G and a whole denoising step −s²_min/G.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sqcli.diffusion.modes import filtered, log_normal, modes
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers._base import MOST_STEPS, Drawn
from sqcli.errors import UsageError
from sqcli.exactness import Exactness
from sqcli.parameters import require_count

REACH = 20.0  # in units of the largest standard deviation of a mode: above, a Gaussian is all there is
ITERATIONS = 20

Level = float | Literal["auto"]


@dataclass(frozen=True)
class Rung:
    """Where a step stands.

    Attributes:
        given: the slow mode or None.
        levels: the whole ladder, decreasing.
        index: of the level from which this step starts.
    """

    denoiser: Denoiser
    noise: Noise
    given: Tensor | None
    levels: Tensor
    index: int

    @property
    def high(self) -> Tensor:
        """The level at which this step starts, ()."""
        return self.levels[self.index]

    @property
    def low(self) -> Tensor:
        """The level at which it ends, ()."""
        return self.levels[self.index + 1]

    def denoise(self, y: Tensor, level: Tensor) -> Tensor:
        """D(y, s)."""
        return self.denoiser.denoise(y, level, self.given)

    def normal(self, per_step: int = 1, which: int = 0) -> Tensor:
        """Noise number `which` of the `per_step` that each step uses; number 0 of the draw is the start's."""
        return self.denoiser.project(self.noise.normal(1 + self.index * per_step + which))


@dataclass(frozen=True)
class Ladder:
    """Where samplers start and end, in units of x, and what they are unless they say otherwise.

    Attributes:
        n_steps: between level_max and level_min, evenly spaced in log s.
        level_min: last level; auto: the schedule's.
        level_max: first level; auto: the schedule's, but no more than 20 standard deviations of the softest mode.
    """

    n_steps: int = 100
    level_min: Level = "auto"
    level_max: Level = "auto"

    def __post_init__(self) -> None:
        require_count("n_steps", self.n_steps, 1, MOST_STEPS)
        for level in (self.level_min, self.level_max):
            if level != "auto" and level <= 0:
                raise ValueError(f"noise levels must be positive, not {level}")

    def check(self, denoiser: Denoiser) -> None:
        """Real fields only."""
        if denoiser.theory.manifold.period:
            raise UsageError(f"{type(self).__name__} samples real fields, not {denoiser.theory.manifold.name}")

    def exactness(self, denoiser: Denoiser | None = None) -> Exactness:
        """Uncorrected."""
        return Exactness("uncorrected", "distribution of the network's score and of finite steps")

    def stats(self) -> tuple[str, ...]:
        """None."""
        return ()

    def ends(self, denoiser: Denoiser, reach: float = REACH) -> tuple[float, float]:
        """(s_min, s_max), the latter by itself at most `reach` standard deviations of the softest mode."""
        low = denoiser.schedule.level_min if self.level_min == "auto" else self.level_min
        widest = float((denoiser.spectrum(None) * denoiser.mask).max().sqrt())
        high = min(denoiser.schedule.level_max, reach * widest) if self.level_max == "auto" else self.level_max
        return low, max(high, 2 * low)

    def ladder(self, denoiser: Denoiser) -> Tensor:
        """The levels, (n_steps + 1,), decreasing."""
        return denoiser.schedule.levels(self.n_steps, *self.ends(denoiser)).to(denoiser.device)


@dataclass(frozen=True)
class LadderSampler(Ladder, ABC):
    """A sampler that supplies one step."""

    @abstractmethod
    def step(self, rung: Rung, y: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """From (y, memory) at the level `rung.high` to those at `rung.low`."""

    def finish(self, denoiser: Denoiser, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
        """From the last level to 0."""
        return halve(denoiser, y, level, given)

    @torch.no_grad()
    def draw(self, denoiser: Denoiser, noise: Noise) -> Drawn:
        """One configuration for each row of `noise`."""
        levels = self.ladder(denoiser)
        given, _ = denoiser.begin(noise.uniform(0))
        y, memory = start(denoiser, noise.normal(0), levels[0], given), None
        for index in range(len(levels) - 1):
            y, memory = self.step(Rung(denoiser, noise, given, levels, index), y, memory)
        y = self.finish(denoiser, y, levels[-1], given)
        return Drawn(denoiser.to_field(denoiser.join(y, given)))


def start(denoiser: Denoiser, normal: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Y ~ N(0, G + s²) per mode, from white noise (n, *extents)."""
    variance = denoiser.spectrum(given) + level**2
    return filtered(normal, variance.sqrt() * denoiser.mask, denoiser.lattice.dimension)


def start_density(denoiser: Denoiser, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Log density of `start`, (n,)."""
    d = denoiser.lattice.dimension
    return log_normal(modes(y, d), denoiser.spectrum(given) + level**2, denoiser.mask, d)


def halve(denoiser: Denoiser, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Half of a denoising step, (y + D)/2."""
    return (y + denoiser.denoise(y, level, given)) / 2


def unhalve(denoiser: Denoiser, x: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Inverse of `halve`: each iteration leaves the part ½ s²/(G + s²) of the error."""
    y = x
    for _ in range(ITERATIONS):
        y = y + x - halve(denoiser, y, level, given)
    return y
