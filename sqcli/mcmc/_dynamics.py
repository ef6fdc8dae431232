"""Compiled molecular dynamics by any splitting, from the sweeps of any theory.

A kick by the force at a displaced field needs no code of a theory: a sweep of momenta at rest displaces the field, and
`finish` kicks the momenta by the force there.
"""

import numpy as np

from sqcli.lattice.jit import jit, kernel
from sqcli.theories import FINISH, FLOW


@jit(forceinline=True)
def follow(flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, shifts, step, energies):
    """Run molecular dynamics from buffers[order[0]], which stays, up to the last kick; returns where in `order`."""
    if shifts.size == 0:
        start, a, b = buffers[order[0]], buffers[order[1]], buffers[order[2]]
        return flow(start, a, b, p, geometry, couplings, kicks, drifts, step)
    return follow_displaced(flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, shifts, step, energies)


@jit
def follow_displaced(flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, shifts, step, energies):
    """Run it stage by stage, some kicks by the force at a displaced field: see `follow`."""
    still, push, one, none = np.zeros_like(p), np.empty(1), np.ones(1), np.zeros(1)
    here = 0
    for i in range(kicks.size):
        there = 1 if here != 1 else 2
        field, other, kick = buffers[order[here]], buffers[order[there]], kicks[i : i + 1]
        if shifts[i] != 0.0:
            still[:], push[0], kick = 0.0, shifts[i] * step * step, none
            flow(field, other, other, still, geometry, couplings, push, one, 1.0)
            finish(other, p, geometry, couplings, kicks[i] * step, energies)
        flow(field, other, other, p, geometry, couplings, kick, drifts[i : i + 1], step)
        here = there
    return here


@kernel(
    f"int64(FunctionType({FLOW}), FunctionType({FINISH}), real[:, ::1], uint64[::1], float64[::1], float64[::1], "
    "float64[::1], float64, float64[::1], float64)"
)
def dynamics(flow, finish, buffers, geometry, couplings, kicks, drifts, last, shifts, step):
    """Run molecular dynamics from buffers[0] with the momenta buffers[3], which end with it; returns where it ends."""
    order, energies = np.arange(3), np.empty(2)
    end = follow(
        flow, finish, buffers, order, buffers[3], geometry, couplings, kicks, drifts, shifts, step, energies
    )  # fmt: skip
    finish(buffers[end], buffers[3], geometry, couplings, last * step, energies)
    return end
