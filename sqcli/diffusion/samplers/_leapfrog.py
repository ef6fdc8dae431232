"""Compiled trajectories of links by leapfrog steps, accepted or rejected; of one step they are Langevin steps."""

import math

import numpy as np

from sqcli.lattice.halo import copy_planes, pack, unpack
from sqcli.lattice.jit import kernel
from sqcli.theories import FINISH, FLOW


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
        copy_planes(normals[chain], p, geometry, geometry[4])
        before = 0.5 * np.sum(normals[chain] ** 2) + actions[chain]
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
