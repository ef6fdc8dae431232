"""Symmetric splittings of molecular dynamics as numbers: kick_0, drift_0, kick_1, drift_1, …, in units of the step.

Leapfrog: ½, 1, ½. Omelyan's second-order minimum-norm integrator (cond-mat/0110438; hep-lat/0505020): λ, ½, 1−2λ, ½, λ
with λ = 0.1931833, two force evaluations a step at about a tenth of leapfrog's error.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MINIMUM_NORM = 0.1931833275037836
STAGES: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "leapfrog": ((0.5, 0.5), (1.0,)),
    "omelyan": ((MINIMUM_NORM, 1 - 2 * MINIMUM_NORM, MINIMUM_NORM), (0.5, 0.5)),
}


Splitting = tuple[NDArray[np.float64], NDArray[np.float64], float]


def splitting(integrator: str, n_steps: int) -> Splitting:
    """Kicks of `n_steps` steps with neighbouring ones merged, the drift after each, and the last kick."""
    kicks, drifts = STAGES[integrator]
    merged = [kicks[0]]
    for step in range(n_steps):
        last = kicks[-1] + (kicks[0] if step < n_steps - 1 else 0.0)
        merged += [*kicks[1:-1], last]
    return np.array(merged[:-1]), np.array(drifts * n_steps), merged[-1]
