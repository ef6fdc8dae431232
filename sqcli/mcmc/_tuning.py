"""Dual averaging of a step size towards a target acceptance (Nesterov; Hoffman and Gelman, 1111.4246 §3.2).

x_{n+1} = μ − √n/γ · Σ(target − a_i)/(n + n₀), averaged with weights n^−κ. A chain learns from its own warm-up only and
the average is frozen afterwards.
"""

import math

import numpy as np

from sqcli.lattice.jit import jit

# The tuning record of a chain: step in use, ln of the averaged step, mean shortfall, updates learnt from, μ.
STEP, AVERAGE, SHORTFALL, LEARNT, CENTRE = range(5)
GAMMA, DELAY, DECAY = 0.05, 10.0, 0.75
REACH = 10.0  # of ln step beyond its centre: where every step is accepted, it would grow until fields have no digits


def start(step: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Record of a chain that has learnt nothing."""
    return np.array([step, math.log(step), 0.0, 0.0, math.log(4 * step)])


@jit
def learn(record, acceptance, target):
    """Learn from one update that was accepted with probability `acceptance`."""
    n = record[LEARNT] + 1.0
    weight = 1.0 / (n + DELAY)
    record[SHORTFALL] += weight * (target - acceptance - record[SHORTFALL])
    log_step = min(record[CENTRE] - math.sqrt(n) / GAMMA * record[SHORTFALL], record[CENTRE] + REACH)
    decay = n**-DECAY
    record[AVERAGE] += decay * (log_step - record[AVERAGE])
    record[STEP] = math.exp(log_step)
    record[LEARNT] = n


@jit
def learn_width(record, acceptance, target, widest):
    """Learn from proposals of a width that has a largest value; 0: it has none."""
    learn(record, acceptance, target)
    if widest > 0.0:
        record[STEP] = min(record[STEP], widest)
        record[AVERAGE] = min(record[AVERAGE], math.log(widest))


@jit
def freeze(record):
    """Take the averaged step for good."""
    if record[LEARNT] > 0.0:
        record[STEP] = math.exp(record[AVERAGE])
        record[LEARNT] = 0.0
