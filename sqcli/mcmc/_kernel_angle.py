"""Learning of the angle θ of a constant kernel K = e^{2iθ} in warm-up: the one with the smallest drift (2211.15625).

A process whose drift stays small does not go far from where it is right. That is the idea in its simplest form: the
mean of |∂S/∂z|² is measured at angles all around, a piece of the warm-up each, then at finer ones about the best. It
says nothing of thimbles that are left out. Each chain learns from its own warm-up only; splitting a run changes no
digit.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sqcli.mcmc._base import Kept, Work

COARSE, FINE = 16, 8  # angles that are tried, a half of the time for each kind
USED, LEARNING, SCORES = 0, 1, 2  # of the record: θ in use, updates with learning, then Σ |f|² at each angle
LEAST = 16 * (COARSE + FINE)  # updates of a warm-up
FAR = 1e12  # |f|² that counts for a trajectory that has run away
DRIFT, RUNAWAYS = 0, 4  # columns of the statistics of steps


def start(warmup: int) -> NDArray[np.float64]:
    """Record of a chain that has learnt nothing; the last quarter of the warm-up is not for learning."""
    return np.array([0.0, 3 * warmup // 4, *np.zeros(COARSE + FINE)])


def piece(record: NDArray[np.float64], update: int) -> tuple[int, int]:
    """Number of the piece of learning that an update, from 1, is in, and the last update of this piece."""
    half = int(record[LEARNING]) // 2
    first = update <= half
    count, before, whole = (COARSE, 0, half) if first else (FINE, half, int(record[LEARNING]) - half)
    k = min((update - before - 1) * count // whole, count - 1)
    return k + (0 if first else COARSE), before + -(-(k + 1) * whole // count)


def angle(record: NDArray[np.float64], number: int) -> float:
    """Angle that is tried in a piece."""
    if number < COARSE:
        return math.pi * ((number + 0.5) / COARSE - 0.5)
    best = angle(record, int(record[SCORES : SCORES + COARSE].argmin()))
    return best + math.pi / COARSE * ((number - COARSE + 0.5) / FINE - 0.5) * 2


def search(work: Work, updates: int, every: int, steps: Callable[[int, int, int, float, bool], Kept]) -> Kept:
    """Make steps with the angles that are to be tried; trajectories that run away start anew, and count as far off.

    Args:
        work: configuration and record, changed in place.
        updates: steps to be made.
        every: which of them are kept.
        steps: makes steps from (first update, how many, every, angle, whether to start anew).
    """
    parts, update, last = [], work.first, work.first + updates - 1
    while update <= last:
        number, end = piece(work.tuning, update)
        count = min(end, last) - update + 1
        fields, stats = steps(update, count, 1, angle(work.tuning, number), True)
        for drift, runaways in stats[:, (DRIFT, RUNAWAYS)]:  # one by one, so that splitting a run changes no digit
            work.tuning[SCORES + number] += min(drift * drift, FAR) + runaways * FAR
        kept = (np.arange(update, update + count) - work.first + 1) % every == 0
        parts.append((fields[kept], stats[kept]))
        update += count
    return np.concatenate([fields for fields, _ in parts]), np.concatenate([stats for _, stats in parts])


def learnt(record: NDArray[np.float64]) -> float:
    """Angle with the smallest drift of those that are finer."""
    return angle(record, COARSE + int(record[SCORES + COARSE :].argmin()))
