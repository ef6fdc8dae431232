"""The forward and the reverse process at given times, in units of the field: φ_t = α(t) φ₀ + scale σ(t) z.

With y = φ_t/(scale α) and s = σ/α the score of φ_t is ∇ log p_t = (D − y)/(s² scale α), and the reverse process runs
backwards in t with the drift f φ_t − scale² g² ∇ log p_t (2011.13456).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers import Rung, halve, start
from sqcli.diffusion.samplers.sde import ReverseProcess
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import UsageError
from sqcli.figures._base import AtTimes
from sqcli.theories import KnownDenoiser

STEP = 0.05  # longest, in log s; of second order: variances come out within 0.1%
SLOW = 2**20  # number of the noise that a slow mode gets; steps have smaller ones


@dataclass(frozen=True)
class Instants:
    """Times, increasing, with noise levels and signal scales; (k,) float64 each."""

    t: Tensor
    level: Tensor
    alpha: Tensor

    @classmethod
    def chosen(cls, schedule: Schedule, at: AtTimes, default: "Instants") -> "Instants":
        """Take the times or levels that are asked for, else the default; UsageError where both are."""
        if at.times and at.levels:
            raise UsageError("--times and --levels say the same; give one of them")
        if at.levels:
            return cls.at_levels(schedule, at.levels)
        return cls.at_times(schedule, at.times) if at.times else default

    @classmethod
    def at_times(cls, schedule: Schedule, times: Sequence[float]) -> "Instants":
        """Find the levels at `times`; UsageError for times that the schedule does not have."""
        _require_within("time", times, schedule.t_min, schedule.t_max)
        t = torch.tensor(sorted(set(times)), dtype=torch.float64)
        return cls(t, schedule.level(t), schedule.alpha(t))

    @classmethod
    def at_levels(cls, schedule: Schedule, levels: Sequence[float]) -> "Instants":
        """Find the times of `levels`; UsageError for levels that the schedule does not reach."""
        _require_within("noise level", levels, schedule.level_min, schedule.level_max)
        level = torch.tensor(sorted(set(levels)), dtype=torch.float64)
        t = schedule.time(level)
        return cls(t, level, schedule.alpha(t))


def _require_within(what: str, values: Sequence[float], low: float, high: float) -> None:
    wrong = [value for value in values if not low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    if wrong:
        raise UsageError(f"{what} {wrong[0]:g} is not one of the model's schedule, {low:.4g} to {high:.4g}")


def forward(denoiser: Denoiser, fields: Tensor, noise: Noise, instants: Instants) -> Iterator[Tensor]:
    """Add noise to configurations φ₀ (n, *extents): φ_t at each instant, latest first."""
    for i in reversed(range(len(instants.t))):
        spread = denoiser.scale * instants.level[i] * noise.normal(i)
        yield instants.alpha[i] * (fields + spread)


@torch.no_grad()
def backward(denoiser: Denoiser, noise: Noise, instants: Instants) -> Iterator[Tensor]:
    """Run the reverse process from pure noise: φ_t at each instant, latest first, and at last configurations φ₀.

    A slow mode that is drawn first is shown with the noise that it would have, the same number at all times.
    """
    process = ReverseProcess(scheme="heun")
    low, high = process.ends(denoiser)
    stops = sorted({max(high, float(instants.level[-1])), low, *instants.level.tolist()}, reverse=True)
    levels, marks = rungs(stops)
    shown = {marks[stops.index(float(level))]: i for i, level in enumerate(instants.level)}
    given, _ = denoiser.begin(noise.uniform(0))
    white = noise.normal(SLOW)
    slow = white - denoiser.project(white)
    y = start(denoiser, noise.normal(0), levels[0], given)
    for index in range(len(levels)):
        if index in shown:
            noised = denoiser.join(y, given) + levels[index] * slow
            yield instants.alpha[shown[index]] * denoiser.to_field(noised)
        if index + 1 < len(levels):
            y, _ = process.step(Rung(denoiser, noise, given, levels, index), y, None)
    yield denoiser.to_field(denoiser.join(halve(denoiser, y, levels[-1], given), given))


def rungs(stops: Sequence[float]) -> tuple[Tensor, list[int]]:
    """Lay decreasing levels through all `stops` in steps of at most `STEP` in log s; the stops' indices as well."""
    levels, marks = [stops[0]], [0]
    for high, low in pairwise(stops):
        count = max(1, math.ceil(math.log(high / low) / STEP))
        levels += [high * (low / high) ** (i / count) for i in range(1, count)] + [low]
        marks.append(len(levels) - 1)
    return torch.tensor(levels, dtype=torch.float64), marks


@torch.no_grad()
def score(denoiser: Denoiser, field: Tensor, instants: Instants, i: int) -> Tensor:
    """Compute the model's ∇ log p_t at φ_t = field (n, *extents), at instant i: (n, *extents)."""
    unit, level = denoiser.scale * instants.alpha[i], instants.level[i]
    return denoiser.score(field / unit, level, None) / unit


@torch.no_grad()
def exact_score(denoiser: Denoiser, field: Tensor, instants: Instants, i: int) -> tuple[Tensor, Tensor]:
    """Compute the theory's ∇ log p_t, and log p_t(φ_t), (n,); UsageError where it is not known."""
    theory: object = denoiser.theory
    if not isinstance(theory, KnownDenoiser):
        raise UsageError(f"the exact score of {type(theory).__name__} is not known")
    alpha, level = instants.alpha[i], denoiser.scale * instants.level[i]
    y = field / alpha
    found = (theory.denoise(y, level, denoiser.lattice) - y) / (level**2 * alpha)
    return found, theory.log_density(y, level, denoiser.lattice) - denoiser.lattice.volume * torch.log(alpha)


def drift(denoiser: Denoiser, field: Tensor, score: Tensor, instants: Instants, i: int) -> Tensor:
    """Compute the drift of the reverse process, f φ_t − scale² g² ∇ log p_t."""
    t = instants.t[i]
    return denoiser.schedule.f(t) * field - denoiser.scale**2 * denoiser.schedule.g2(t) * score
