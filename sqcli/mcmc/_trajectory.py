"""Hybrid Monte Carlo update (Duane et al., 1987) and a chain of them, for any theory with a `flow`.

π ~ N(0, 1), molecular dynamics for H = ½π² + S, accept with min(1, e^{−ΔH}). Three padded buffers rotate: a trajectory
leaves its start untouched, so a rejection costs nothing.
"""

import math
from dataclasses import dataclass

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import ONE, TWO, pack, row_count, unpack
from sqcli.lattice.jit import jit, kernel
from sqcli.lattice.philox import ACCEPT, LENGTH, MOMENTUM, block_buffers, normal_block, philox, uniform
from sqcli.mcmc._base import Auto, Kept, Work, records, require_positive_or_auto, require_target
from sqcli.mcmc._dynamics import follow
from sqcli.mcmc._integrators import Integrator, Splitting, splitting
from sqcli.mcmc._tuning import STEP, freeze, learn
from sqcli.parameters import require_count
from sqcli.theories import FINISH, FLOW

MOST_STEPS = 10_000  # of a trajectory: a stop waits for its end
# Statistics of a draw: of the last trajectory before it, and the share accepted since the draw before.
COLUMNS = ("accepted", "delta_h", "action", "acceptance_rate", "step_size")
ACCEPTED, DELTA_H, ACTION_COLUMN, RATE, STEP_SIZE = range(5)


@jit(forceinline=True)
def gaussian_momentum(p, geometry, block, words, update, sub, key):
    """Fill `p` with N(0, 1), block by block while a block is in the nearest cache; returns ½ Σ π²."""
    n, first = geometry[HEADER + geometry[0] - ONE], np.uint64(HEADER) + TWO * geometry[0]
    rows = row_count(geometry)
    size, start, total = geometry[4] * geometry[3], np.uint64(0), 0.0
    row, component, x = np.uint64(0), np.uint64(0), np.uint64(0)
    while start < size:
        count, square = normal_block(block, words, start, size, update, MOMENTUM + sub, key)
        total += square
        done = np.uint64(0)
        while done < count:
            piece = min(n - x, count - done)
            to = component * geometry[2] + geometry[first + row] + x
            for i in range(piece):
                p[to + i] = block[done + i]
            done += piece
            x += piece
            if x == n:
                x, row = np.uint64(0), row + ONE
                if row == rows:
                    row, component = np.uint64(0), component + ONE
        start += count
    return 0.5 * total


@jit
def jittered(step, jitter, update, sub, key):
    """Draw the step of a trajectory: uniform in step·[1 − jitter, 1 + jitter]."""
    if jitter == 0.0:
        return step
    return step * (1.0 + jitter * (2.0 * uniform(philox(np.uint64(0), update, LENGTH + sub, key)[0]) - 1.0))


@jit
def accept(delta_h, update, sub, key):
    """Decide by Metropolis; a trajectory that diverged to a NaN is rejected."""
    return uniform(philox(np.uint64(0), update, ACCEPT + sub, key)[0]) < math.exp(-delta_h)


@jit
def trajectory(
    flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, last, shifts, step, energies, block,
    words, update, sub, key,
):  # fmt: skip
    """Make one update of the field in buffers[order[0]] with action energies[0]; returns (accepted, ΔH)."""
    action = energies[0]
    before = gaussian_momentum(p, geometry, block, words, update, sub, key) + action
    end = follow(flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, shifts, step, energies)
    finish(buffers[order[end]], p, geometry, couplings, last * step, energies)
    delta_h = energies[0] + energies[1] - before
    accepted = accept(delta_h, update, sub, key)
    if accepted:
        order[0], order[end] = order[end], order[0]
    else:
        energies[0] = action
    return accepted, delta_h


@kernel(
    f"void(FunctionType({FLOW}), FunctionType({FINISH}), real[::1], real[:, ::1], "
    "uint64[::1], float64[::1], uint64[::1], uint64, int64, int64, float64[::1], float64[::1], float64, float64[::1], "
    "float64, float64[::1], float64, boolean, real[:, ::1], float64[:, ::1])"
)
def chain(
    flow, finish, sites, buffers, geometry, couplings, key, first, updates, every, kicks, drifts, last, shifts,
    jitter, tuning, target, tune, fields, stats,
):  # fmt: skip
    """Make `updates` trajectories from `sites` (overwritten by the end); every `every`-th is kept."""
    p, order, energies = buffers[3], np.arange(3), np.empty(2)
    sub = np.uint64(0)
    if not tune:
        freeze(tuning)
    pack(sites, buffers[0], geometry)
    finish(buffers[0], p, geometry, couplings, 0.0, energies)
    block, words = block_buffers()
    rate = 0.0
    for u in range(updates):
        update = first + np.uint64(u)
        step = jittered(tuning[STEP], jitter, update, sub, key)
        accepted, delta_h = trajectory(
            flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, last, shifts, step, energies, block,
            words, update, sub, key,
        )  # fmt: skip
        if tune:
            learn(tuning, min(1.0, math.exp(-delta_h)) if delta_h == delta_h else 0.0, target)
        rate += accepted
        if (u + 1) % every == 0:
            row = u // every
            unpack(buffers[order[0]], fields[row], geometry)
            stats[row, ACCEPTED], stats[row, DELTA_H], stats[row, ACTION_COLUMN] = accepted, delta_h, energies[0]
            stats[row, RATE], stats[row, STEP_SIZE] = rate / every, tuning[STEP]
            rate = 0.0
    unpack(buffers[order[0]], sites, geometry)


def run(work: Work, updates: int, every: int, splitting: Splitting, jitter: float, target: float | None) -> Kept:
    """Make `updates` trajectories; `target` is the acceptance to tune to, None when the step is fixed."""
    system, kept = work.system, records(work.system, updates // every, len(COLUMNS))
    chain(system.dtype)(
        system.theory.flow(system.dtype), system.theory.finish(system.dtype), work.sites,
        system.buffers(4), system.geometry, system.couplings, work.stream.key, work.first, updates, every,
        *splitting, jitter, work.tuning, target or 0.0, target is not None, *kept,
    )  # fmt: skip
    return kept


@dataclass(frozen=True)
class MolecularDynamics:
    """Parameters that all algorithms with trajectories share.

    Attributes:
        step_size: a number, or "auto": tuned during warm-up to `target_acceptance`, then frozen.
        n_steps: steps of the integrator per trajectory.
        integrator: leapfrog, or omelyan (second-order minimum norm; two forces a step); of fourth order, for long
            trajectories of large lattices: omelyan4 (minimum norm; five forces a step), or force_gradient (three).
        jitter: each trajectory's step is uniform in step_size·[1 − jitter, 1 + jitter]; at 0, modes whose period is
            twice the trajectory never mix (Mackenzie, PLB 226, 369, 1989).
        target_acceptance: acceptance that "auto" aims at.
    """

    step_size: float | Auto = "auto"
    n_steps: int = 10
    integrator: Integrator = "leapfrog"
    jitter: float = 0.2
    target_acceptance: float = 0.8

    def __post_init__(self) -> None:
        require_positive_or_auto("step_size", self.step_size)
        require_count("n_steps", self.n_steps, 1, MOST_STEPS)
        if not 0 <= self.jitter < 1:
            raise ValueError(f"jitter must be in [0, 1), not {self.jitter}")
        require_target(self.target_acceptance)

    @property
    def first_step(self) -> float:
        """Step before anything is learnt: trajectories of length 1."""
        return 1.0 / self.n_steps if self.step_size == "auto" else self.step_size

    @property
    def kicks_and_drifts(self) -> Splitting:
        """Kicks and drifts of a trajectory, in units of the step."""
        return splitting(self.integrator, self.n_steps)
