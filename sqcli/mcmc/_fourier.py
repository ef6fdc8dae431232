"""Fourier-accelerated molecular dynamics (Batrouni et al., PRD 32, 2736, 1985; Duane et al., PLB 195, 216, 1987).

H = ½ π̃† M⁻¹(k) π̃ + S with M(k) = p̂² + m_eff²: long waves move as fast as short ones. Kicks are the theory's own sweeps;
the drift φ ← φ + ε M⁻¹π is a multiplication in Fourier space.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import HEADER, Lattice
from sqcli.lattice.halo import copy_in, fill, pack, row_count, unpack
from sqcli.lattice.hartley.plan import Plan, multiply
from sqcli.lattice.jit import jit, kernel
from sqcli.lattice.momentum import phat2
from sqcli.lattice.philox import MOMENTUM, normals
from sqcli.mcmc._trajectory import ACCEPTED, ACTION_COLUMN, DELTA_H, RATE, STEP_SIZE, accept, jittered
from sqcli.mcmc._tuning import STEP, freeze, learn
from sqcli.theories import FINISH, FLOW

TABLES = "float64[::1], float64[::1], int64[::1], float64[::1], float64[::1]"  # M⁻¹, √M, plan's two, scratch


@dataclass(frozen=True)
class Metric:
    """Mass M(k) = p̂² + m_eff² of the momenta on a lattice."""

    lattice: Lattice
    m_eff2: float

    def tables(self) -> tuple[NDArray[Any], ...]:
        """M⁻¹(k), √M(k), the two tables of their transforms and a scratch: the kernel's arguments TABLES."""
        plan, mass = Plan(self.lattice.extents), phat2(self.lattice.extents) + self.m_eff2
        return plan.permuted(1 / mass), plan.permuted(np.sqrt(mass)), *plan.tables, plan.scratch()


@jit
def multiply_components(f, factors, itable, ftable, scratch, components):
    """Multiply each component of the flat field by itself."""
    volume = f.size // components
    for c in range(components):
        multiply(f[c * volume : (c + 1) * volume], factors, itable, ftable, scratch)


@jit
def add_rows(f, sites, geometry, factor):
    """Add `factor` · `sites` to the padded field `f`, ghosts included."""
    n, first = geometry[HEADER + geometry[0] - np.uint64(1)], np.uint64(HEADER) + np.uint64(2) * geometry[0]
    rows = row_count(geometry)
    for component in range(geometry[1]):
        for row in range(rows):
            to, source = component * geometry[2] + geometry[first + row], (component * rows + row) * n
            for x in range(n):
                f[to + x] += factor * sites[source + x]
    fill(f, geometry)


@jit
def displaced_kick(
    flow, finish, field, other, p, work, geometry, couplings, kick, shift, energies, inverse, itable, ftable, scratch
):  # fmt: skip
    """Kick by the force at the field displaced by −shift M⁻¹ ∂S, which `other` holds afterwards."""
    q, push, still = np.zeros_like(p), np.full(1, shift), np.zeros(1)
    flow(field, other, other, q, geometry, couplings, push, still, 1.0)
    unpack(q, work, geometry)
    multiply_components(work, inverse, itable, ftable, scratch, np.int64(geometry[1]))
    add_rows(other, work, geometry, 1.0)
    finish(other, p, geometry, couplings, kick, energies)


@jit
def trajectory(
    flow, finish, buffers, order, p, work, geometry, couplings, kicks, drifts, last, shifts, step, energies, update,
    key, inverse, root, itable, ftable, scratch,
):  # fmt: skip
    """Make one accelerated update of the field in buffers[order[0]]; returns (accepted, ΔH)."""
    components, sub = np.int64(geometry[1]), np.uint64(0)
    action = energies[0]
    before = action + 0.5 * normals(work, update, MOMENTUM, key)
    multiply_components(work, root, itable, ftable, scratch, components)
    copy_in(work, p, geometry)
    here, kick, still = 0, np.empty(1), np.zeros(1)
    for i in range(kicks.size + 1):  # the last sweep does nothing but bring the field back to its manifold
        kick[0] = kicks[i] * step if i < kicks.size else 0.0
        there = 1 if here != 1 else 2
        if i < shifts.size and shifts[i] != 0.0:
            displaced_kick(
                flow, finish, buffers[order[here]], buffers[order[there]], p, work, geometry, couplings, kick[0],
                shifts[i] * step * step, energies, inverse, itable, ftable, scratch,
            )  # fmt: skip
            kick[0] = 0.0
        flow(
            buffers[order[here]], buffers[order[there]], buffers[order[there]], p, geometry, couplings, kick, still, 1.0
        )
        here = there
        if i < kicks.size:
            unpack(p, work, geometry)
            multiply_components(work, inverse, itable, ftable, scratch, components)
            add_rows(buffers[order[here]], work, geometry, drifts[i] * step)
    finish(buffers[order[here]], p, geometry, couplings, last * step, energies)
    unpack(p, work, geometry)
    after = energies[0] + kinetic(work, inverse, itable, ftable, scratch, components)
    accepted = accept(after - before, update, sub, key)
    if accepted:
        order[0], order[here] = order[here], order[0]
    else:
        energies[0] = action
    return accepted, after - before


@jit
def kinetic(p, inverse, itable, ftable, scratch, components):
    """Kinetic energy ½ Σ p M⁻¹ p, never negative; infinite for a momentum whose square overflows.

    Its terms have either sign: where the negative ones alone overflow, the sum is −∞ and would be accepted.
    """
    moved = p.copy()
    multiply_components(moved, inverse, itable, ftable, scratch, components)
    total = 0.0
    for i in range(p.size):
        total += p[i] * moved[i]
    return 0.5 * total if total >= 0.0 else np.inf


@kernel(
    f"void(FunctionType({FLOW}), FunctionType({FINISH}), real[::1], real[:, ::1], uint64[::1], float64[::1], "
    "uint64[::1], uint64, int64, int64, float64[::1], float64[::1], float64, float64[::1], "
    f"float64, float64[::1], float64, boolean, {TABLES}, real[:, ::1], float64[:, ::1])"
)
def chain(
    flow, finish, sites, buffers, geometry, couplings, key, first, updates, every, kicks, drifts, last, shifts,
    jitter, tuning, target, tune, inverse, root, itable, ftable, scratch, fields, stats,
):  # fmt: skip
    """Make `updates` accelerated trajectories from `sites` (overwritten by the end); every `every`-th is kept."""
    p, work, order, energies = buffers[3], np.empty(sites.size), np.arange(3), np.empty(2)
    if not tune:
        freeze(tuning)
    pack(sites, buffers[0], geometry)
    finish(buffers[0], p, geometry, couplings, 0.0, energies)
    rate = 0.0
    for u in range(updates):
        update = first + np.uint64(u)
        step = jittered(tuning[STEP], jitter, update, np.uint64(0), key)
        accepted, delta_h = trajectory(
            flow, finish, buffers, order, p, work, geometry, couplings, kicks, drifts, last, shifts, step, energies,
            update, key, inverse, root, itable, ftable, scratch,
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
