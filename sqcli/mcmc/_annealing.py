"""Annealing of a population of particles from a Gaussian S₀ to S along S_β = (1−β)S₀ + βS: the compiled parts.

Random numbers of particle i at temperature t of population q are those of "update" q·2^28 + t·2^16 + i.
"""

import math

import numpy as np

from sqcli.lattice.halo import pack, unpack
from sqcli.lattice.jit import kernel
from sqcli.lattice.philox import SUBUPDATE, block_buffers
from sqcli.mcmc._trajectory import jittered, trajectory
from sqcli.theories import FINISH, FLOW

PARTICLES, TEMPERATURES, POPULATIONS = 2**16, 2**12, 2**20  # what a counter of 48 bits can tell apart
MOVES = 64  # trajectories at a temperature at most, by the numbers of sub-updates


def counter(population: int, temperature: int, particle: int = 0) -> int:
    """Number the "update" whose random numbers belong to a particle at a temperature of a population."""
    return (population * TEMPERATURES + temperature) * PARTICLES + particle


@kernel(
    f"float64(FunctionType({FLOW}), FunctionType({FINISH}), real[:, ::1], real[:, ::1], uint64[::1], float64[::1], "
    "uint64[::1], uint64, int64, float64[::1], float64[::1], float64, float64[::1], float64, float64)"
)
def move(
    flow, finish, particles, buffers, geometry, couplings, key, first, moves, kicks, drifts, last, shifts, step,
    jitter,
):  # fmt: skip
    """Move every particle in place by `moves` trajectories with S of `couplings`; returns the mean min(1, e^{−ΔH})."""
    p, order, energies, rate = buffers[3], np.arange(3), np.empty(2), 0.0
    block, words = block_buffers()
    for i in range(particles.shape[0]):
        update = first + np.uint64(i)
        pack(particles[i], buffers[order[0]], geometry)
        finish(buffers[order[0]], p, geometry, couplings, 0.0, energies)
        for m in range(moves):
            sub = SUBUPDATE * np.uint64(m)
            length = jittered(step, jitter, update, sub, key)
            _, delta_h = trajectory(
                flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, last, shifts, length, energies,
                block, words, update, sub, key,
            )  # fmt: skip
            rate += min(1.0, math.exp(-delta_h)) if delta_h == delta_h else 0.0
        unpack(buffers[order[0]], particles[i], geometry)
    return rate / (moves * particles.shape[0])
