"""Loop that samplers share: from N(0, G + s²_max) down a ladder of noise levels, then on to s = 0.

All work in y = x_t/α(t) with the probability flow dy/d ln s = y − D(y, s). From the last level s_min to 0 it is half
of a denoising step, y − ½(y − D): a mode of variance G then comes out with an error of ¼(s²_min/G)², where stopping
at s_min leaves +s²_min/G and a whole denoising step −s²_min/G.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser, denoiser_of
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.paths import gaussian, log_gaussian, widest
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers._base import MOST_STEPS, Drawn
from sqcli.exactness import Exactness
from sqcli.parameters import require_count
from sqcli.theories import Theory

REACH = 20.0  # standard deviations of the softest mode; above them a Gaussian is all there is
ITERATIONS = 20

Level = float | Literal["auto"]


@dataclass(frozen=True)
class Rung:
    """A step down the ladder, between two neighbouring levels, with all that it needs.

    Attributes:
        given: the slow mode or None.
        levels: the whole ladder, decreasing.
        index: number of the level from which the step starts.
    """

    denoiser: Denoiser
    noise: Noise
    given: Tensor | None
    levels: Tensor
    index: int

    @property
    def high(self) -> Tensor:
        """Level at which the step starts, ()."""
        return self.levels[self.index]

    @property
    def low(self) -> Tensor:
        """Level at which the step ends, ()."""
        return self.levels[self.index + 1]

    def denoise(self, y: Tensor, level: Tensor) -> Tensor:
        """Compute D(y, s), given the slow mode."""
        return self.denoiser.denoise(y, level, self.given)

    def normal(self, per_step: int = 1, which: int = 0) -> Tensor:
        """Draw noise number `which` of the `per_step` that each step uses; number 0 of the draw is the start's."""
        return self.denoiser.project(self.noise.normal(1 + self.index * per_step + which))


@dataclass(frozen=True)
class Ladder:
    """Noise levels where samplers start and end, in units of x, and what their draws are unless they say otherwise.

    Attributes:
        n_steps: number of steps between level_max and level_min, evenly spaced in log s.
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

    def check(self, process: Process) -> None:
        """UsageError where the fields are links."""
        denoiser_of(process)

    def exactness(self, process: Process | None = None) -> Exactness:
        """State that draws are uncorrected."""
        return Exactness("uncorrected", "distribution of the network's score and of finite steps")

    def stats(self, theory: Theory) -> tuple[str, ...]:
        """Names of further numbers per draw: none."""
        return ()

    def ends(self, denoiser: Denoiser, reach: float = REACH) -> tuple[float, float]:
        """Ends (s_min, s_max), the latter by itself at most `reach` standard deviations of the softest mode."""
        return ends(denoiser, self.level_min, self.level_max, reach)

    def ladder(self, denoiser: Denoiser) -> Tensor:
        """Levels of the ladder, (n_steps + 1,), decreasing."""
        return denoiser.schedule.levels(self.n_steps, *self.ends(denoiser)).to(denoiser.device)


@dataclass(frozen=True)
class LadderSampler(Ladder, ABC):
    """A sampler that supplies one step."""

    @abstractmethod
    def step(self, rung: Rung, y: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Take (y, memory) from the level `rung.high` to `rung.low`."""

    def finish(self, denoiser: Denoiser, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
        """Take y from the last level to 0."""
        return halve(denoiser, y, level, given)

    @torch.no_grad()
    def draw(self, process: Process, noise: Noise) -> Drawn:
        """Draw one configuration for each row of `noise`."""
        denoiser = denoiser_of(process)
        levels = self.ladder(denoiser)
        given, _ = denoiser.begin(noise.uniform(0))
        y, memory = start(denoiser, noise.normal(0), levels[0], given), None
        for index in range(len(levels) - 1):
            y, memory = self.step(Rung(denoiser, noise, given, levels, index), y, memory)
        y = self.finish(denoiser, y, levels[-1], given)
        return Drawn(denoiser.to_field(denoiser.join(y, given)))


def ends(denoiser: Denoiser, low: Level, high: Level, reach: float = REACH) -> tuple[float, float]:
    """Ends (s_min, s_max) of a ladder; auto: the schedule's, but no more than `reach` widths of the softest mode."""
    schedule = denoiser.schedule
    least = schedule.level_min if low == "auto" else low
    most = min(schedule.level_max, reach * widest(denoiser)) if high == "auto" else high
    return least, max(most, 2 * least)


def start(denoiser: Denoiser, normal: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Draw y ~ N(0, G + s²) per mode, from white noise (n, *extents)."""
    return gaussian(denoiser, normal, denoiser.spectrum(given) + level**2)


def start_density(denoiser: Denoiser, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Log density of y under `start`, (n,)."""
    return log_gaussian(denoiser, y, denoiser.spectrum(given) + level**2)


def halve(denoiser: Denoiser, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Take half of a denoising step, (y + D)/2."""
    return (y + denoiser.denoise(y, level, given)) / 2


def unhalve(denoiser: Denoiser, x: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
    """Invert `halve`: each iteration leaves the part ½ s²/(G + s²) of the error."""
    y = x
    for _ in range(ITERATIONS):
        y = y + x - halve(denoiser, y, level, given)
    return y
