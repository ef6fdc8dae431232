"""Learning of the angle θ of a constant kernel K = e^{2iθ} in warm-up: the one with the smallest drift (2211.15625).

A process whose drift stays small does not go far from where it is right. That is the idea in its simplest form: the
mean of |∂S/∂z|² is measured at angles all around, a piece of the warm-up each, then at finer ones about the best. It
says nothing of thimbles that are left out. Each chain learns from its own warm-up only; splitting a run changes no
digit.
"""

import math

import numpy as np
from numpy.typing import NDArray

COARSE, FINE = 16, 8  # angles that are tried, a half of the time for each kind
USED, LEARNING, SCORES = 0, 1, 2  # of the record: θ in use, updates with learning, then Σ |f|² at each angle
LEAST = 16 * (COARSE + FINE)  # updates of a warm-up
RUNAWAY = 1e12  # |f|² that counts for a trajectory that has run away


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


def learn(record: NDArray[np.float64], number: int, drifts: NDArray[np.float64], runaways: float) -> None:
    """Add |f|² of updates of a piece, one by one."""
    for drift in drifts:
        record[SCORES + number] += min(drift * drift, RUNAWAY)
    record[SCORES + number] += runaways * RUNAWAY


def learnt(record: NDArray[np.float64]) -> float:
    """Angle with the smallest drift of those that are finer."""
    return angle(record, COARSE + int(record[SCORES + COARSE :].argmin()))
