"""Pilot of `fahmc`: m_eff² is the mass of the propagator that a short run measures, 1/G(k) ∝ p̂² + m².

A straight line through 1/G at a few momenta along the longest axes, each with the same relative error; k = 0 stays out,
because a short run near or below criticality knows least about the magnetisation. The pilot is the first half of a
chain's own warm-up: a quarter with m_eff² = 1, of which the second half counts, and a quarter with what that one found.
"""

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.mcmc._base import State

# After the step's record: m_eff², ends of this and of the next stage of the pilot, Σ |φ̃|² at the mode numbers MODES.
MASS, END, NEXT, POWER = 5, 6, 7, 8
MODES = np.array([1, 2, 3, 4, 6, 8, 12, 16])
START_MASS = 1.0
LEAST = 0.1  # of the smallest p̂²: a smaller mass the pilot cannot tell from zero


def record(m_eff2: float | None, warmup: int) -> NDArray[np.float64]:
    """Record before the first update; its pilot has no updates when m_eff² is given."""
    if m_eff2 is not None:
        return stage(m_eff2, 0, 0)
    return stage(START_MASS, warmup // 4, warmup // 2) if warmup > 3 else stage(START_MASS, warmup // 2, 0)


def stage(m_eff2: float, end: int, following: int) -> NDArray[np.float64]:
    """Record of a stage that runs with m_eff² to the update `end`; the stage after it ends at `following`."""
    return np.array([m_eff2, end, following, *np.zeros(MODES.size)])


def observe(state: State, fields: NDArray[np.floating], lattice: Lattice) -> None:
    """Add |φ̃|² of the last configurations, as far as they lie in the second half of the stage.

    They are added one by one, so that splitting a run changes no digit.
    """
    tuning, first = state.tuning, state.update - len(fields) + 1
    extent = max(lattice.extents)
    wave = np.exp(2j * np.pi * np.outer(np.arange(extent), MODES) / extent) / extent
    for field in fields[max(int(tuning[END]) // 2 - first, 0) :].astype(np.float64).reshape(-1, *lattice.extents):
        for axis in np.flatnonzero(np.array(lattice.extents) == extent):
            profile = field.mean(axis=tuple(a for a in range(lattice.dimension) if a != axis))
            tuning[POWER:] += np.abs(profile @ wave) ** 2


def mass(tuning: NDArray[np.float64], lattice: Lattice) -> float:
    """Fit m_eff², between a tenth of the smallest p̂² and the largest, 4D."""
    extent = max(lattice.extents)
    modes = max(extent, 2) >= 2 * MODES
    phat2, power = 4 * np.sin(np.pi * MODES[modes] / extent) ** 2, tuning[POWER:][modes]
    least, most = LEAST * phat2[0], 4.0 * lattice.dimension
    if modes.sum() < 2 or not power.all():
        return most
    power = power / power[0]
    # minimise Σ (G (a + b p̂²) − 1)²; m² = a/b
    (a, b), *_ = np.linalg.lstsq(np.stack([power, power * phat2], axis=1), np.ones(power.size), rcond=None)
    return float(np.clip(a / b, least, most)) if b > 0 else most


def left(state: State) -> int:
    """Updates until the pilot ends."""
    return max(int(state.tuning[END]) - state.update, 0)
