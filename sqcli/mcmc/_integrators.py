"""Symmetric splittings of molecular dynamics as numbers: kick_0, drift_0, kick_1, drift_1, …, in units of the step.

Leapfrog: ½, 1, ½. Omelyan, Mryglod and Folk, both of minimum norm (cond-mat/0110438; for lattices hep-lat/0505020): of
second order λ, ½, 1−2λ, ½, λ with λ = 0.1931833, two forces a step at about a tenth of leapfrog's error; of fourth
order with five forces a step (4MN5FV). Force gradient (Kennedy, Clark and Silva, 0910.2950): ⅙, ½, ⅔, ½, ⅙, of fourth
order because the middle force is taken at the field displaced by −(ε²/24) ∂S (Yin and Mawhinney, 1111.5059).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Integrator = Literal["leapfrog", "omelyan", "omelyan4", "force_gradient"]
Array = NDArray[np.float64]
MINIMUM_NORM = 0.1931833275037836
THETA, RHO, LAMBDA, MU = 0.08398315262876693, 0.2539785108410595, 0.6822365335719091, -0.03230286765269967  # of 4MN5FV
MIDDLE = 0.5 - LAMBDA - THETA


class Stages(NamedTuple):
    """Kicks of one step, the drifts between them, and the displacement of the field under each kick; (): none."""

    kicks: tuple[float, ...]
    drifts: tuple[float, ...]
    shifts: tuple[float, ...] = ()


class Splitting(NamedTuple):
    """Kicks of a trajectory in units of the step ε, the drift after each, and the last kick.

    The force of kick i is taken at the field displaced by −shifts_i ε² ∂S; no shifts: at the field itself.
    """

    kicks: Array
    drifts: Array
    last: float
    shifts: Array


STAGES: Mapping[Integrator, Stages] = {
    "leapfrog": Stages((0.5, 0.5), (1.0,)),
    "omelyan": Stages((MINIMUM_NORM, 1 - 2 * MINIMUM_NORM, MINIMUM_NORM), (0.5, 0.5)),
    "omelyan4": Stages((THETA, LAMBDA, MIDDLE, MIDDLE, LAMBDA, THETA), (RHO, MU, 1 - 2 * (MU + RHO), MU, RHO)),
    "force_gradient": Stages((1 / 6, 2 / 3, 1 / 6), (0.5, 0.5), (0.0, 1 / 24, 0.0)),
}


def splitting(integrator: Integrator, n_steps: int) -> Splitting:
    """Split a trajectory of `n_steps` steps, with neighbouring kicks merged."""
    kicks, drifts, shifts = STAGES[integrator]
    merged = [kicks[0]]
    for step in range(n_steps):
        last = kicks[-1] + (kicks[0] if step < n_steps - 1 else 0.0)
        merged += [*kicks[1:-1], last]
    return Splitting(np.array(merged[:-1]), np.array(drifts * n_steps), merged[-1], np.array(shifts[:-1] * n_steps))
