"""Compiled trajectories of links by leapfrog steps, accepted or rejected; of one step they are Langevin steps."""

import math

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import ONE, TWO, pack, row_count, unpack
from sqcli.lattice.jit import jit, kernel
from sqcli.theories import FINISH, FLOW


@jit
def put_momentum(numbers, p, geometry):
    """Copy N(0, 1) numbers of a tangent vector into the padded layout; returns ½ Σ π²."""
    n, first, rows = geometry[HEADER + geometry[0] - ONE], np.uint64(HEADER) + TWO * geometry[0], row_count(geometry)
    total = 0.0
    for component in range(geometry[4]):
        for row in range(rows):
            to, source = component * geometry[2] + geometry[first + row], (component * rows + row) * n
            for x in range(n):
                p[to + x] = numbers[source + x]
                total += numbers[source + x] ** 2
    return 0.5 * total


@kernel(
    f"void(FunctionType({FLOW}), FunctionType({FINISH}), real[:, ::1], real[::1], real[:, ::1], real[::1], "
    "real[:, ::1], uint64[::1], float64[::1], int64, float64, float64[::1])"
)
def leapfrog(flow, finish, fields, actions, normals, uniforms, buffers, geometry, couplings, count, width, moved):
    """Move each chain by `count` steps of molecular dynamics, and keep its action."""
    p, energies = buffers[3], np.empty(2)
    kicks, drifts = np.ones(count), np.ones(count)
    kicks[0] = 0.5
    for chain in range(len(fields)):
        before = put_momentum(normals[chain], p, geometry) + actions[chain]
        pack(fields[chain], buffers[0], geometry)
        end = flow(buffers[0], buffers[1], buffers[2], p, geometry, couplings, kicks, drifts, width)
        finish(buffers[end], p, geometry, couplings, 0.5 * width, energies)
        moved[chain] = uniforms[chain] < math.exp(before - energies[0] - energies[1])
        if moved[chain]:
            unpack(buffers[end], fields[chain], geometry)
            actions[chain] = energies[0]


@kernel(f"void(FunctionType({FINISH}), real[:, ::1], real[::1], real[:, ::1], uint64[::1], float64[::1])")
def measure(finish, fields, actions, buffers, geometry, couplings):
    """Compute the actions of chains."""
    energies = np.empty(2)
    for chain in range(len(fields)):
        pack(fields[chain], buffers[0], geometry)
        finish(buffers[0], buffers[3], geometry, couplings, 0.0, energies)
        actions[chain] = energies[0]
