"""Compiled chains behind `wolff`: trajectories or Metropolis sweeps, then cluster flips, update by update."""

import math

import numpy as np

from sqcli.lattice.halo import pack, unpack
from sqcli.lattice.jit import kernel
from sqcli.lattice.philox import SUBUPDATE, block_buffers
from sqcli.mcmc import _cluster, _local, _trajectory
from sqcli.mcmc._tuning import STEP, freeze, learn
from sqcli.theories import FINISH, FLOW, LOCAL

CLUSTER_COLUMNS = ("cluster_size", "chi2_improved")
FLIPS = "uint16[::1], uint64[::1], uint64[::1], float64, int64, boolean"  # steps, 2J, clusters, decompose
CHAIN = "uint64[::1], uint64, int64, int64, int64, float64[::1], float64, boolean, real[:, ::1], float64[:, ::1]"


def columns(radial: str, radial_updates: int) -> tuple[str, ...]:
    """Names of the statistics of a chain with this update of the field."""
    if radial_updates == 0:
        return CLUSTER_COLUMNS
    return (*(_trajectory.COLUMNS if radial == "hmc" else ("acceptance_rate", "width")), *CLUSTER_COLUMNS)


@kernel(
    f"void(FunctionType({FLOW}), FunctionType({FINISH}), real[::1], real[:, ::1], uint64[::1], float64[::1], "
    f"float64[::1], float64[::1], float64, float64[::1], float64, {FLIPS}, {CHAIN})"
)
def trajectories_and_flips(
    flow, finish, sites, buffers, geometry, couplings, kicks, drifts, last, shifts, jitter, edges, offsets, wraps,
    bond, clusters, decompose, key, first, updates, every, radial, tuning, target, tune, fields, stats,
):  # fmt: skip
    """Make `updates` times `radial` trajectories and the flips."""
    p, order, energies = buffers[3], np.arange(3), np.empty(2)
    block, words = block_buffers()
    label, sums = np.empty(sites.size, np.uint32), np.empty(sites.size)
    accepted, delta_h = False, 0.0
    rate, size, square = 0.0, 0.0, 0.0
    if not tune:
        freeze(tuning)
    for u in range(updates):
        update = first + np.uint64(u)
        pack(sites, buffers[order[0]], geometry)
        finish(buffers[order[0]], p, geometry, couplings, 0.0, energies)
        for r in range(radial):
            sub = SUBUPDATE * np.uint64(r)
            step = _trajectory.jittered(tuning[STEP], jitter, update, sub, key)
            accepted, delta_h = _trajectory.trajectory(
                flow, finish, buffers, order, p, geometry, couplings, kicks, drifts, last, shifts, step, energies,
                block, words, update, sub, key,
            )  # fmt: skip
            rate += accepted / radial
            if tune:
                learn(tuning, min(1.0, math.exp(-delta_h)) if delta_h == delta_h else 0.0, target)
        unpack(buffers[order[0]], sites, geometry)
        new_size, new_square = _cluster.flips(
            sites, edges, offsets, wraps, bond, clusters, decompose, label, sums, update, key
        )
        size, square = size + new_size, square + new_square
        if (u + 1) % every == 0:
            row = stats[u // every]
            fields[u // every] = sites
            if radial:
                pack(sites, buffers[order[0]], geometry)
                finish(buffers[order[0]], p, geometry, couplings, 0.0, energies)
                row[0], row[1], row[2] = accepted, delta_h, energies[0]
                row[3], row[4] = rate / every, tuning[STEP]
            row[-2], row[-1] = size / every, square / every
            rate, size, square = 0.0, 0.0, 0.0


@kernel(f"void(FunctionType({LOCAL}), real[::1], float64[::1], uint32[::1], uint32[::1], float64, {FLIPS}, {CHAIN})")
def sweeps_and_flips(
    local_change, sites, couplings, neighbours, visits, period, edges, offsets, wraps, bond, clusters, decompose,
    key, first, updates, every, radial, tuning, target, tune, fields, stats,
):  # fmt: skip
    """Make `updates` times `radial` Metropolis sweeps and the flips."""
    proposals, decisions = np.empty(sites.size), np.empty(sites.size)
    label, sums = np.empty(sites.size, np.uint32), np.empty(sites.size)
    rate, size, square = 0.0, 0.0, 0.0
    if not tune:
        freeze(tuning)
    for u in range(updates):
        update = first + np.uint64(u)
        for r in range(radial):
            acceptance = _local.sweep(
                local_change, sites, neighbours, couplings, visits, period, tuning[STEP], proposals, decisions,
                update, SUBUPDATE * np.uint64(r), key,
            )  # fmt: skip
            rate += acceptance / radial
            if tune:
                learn(tuning, acceptance, target)
        new_size, new_square = _cluster.flips(
            sites, edges, offsets, wraps, bond, clusters, decompose, label, sums, update, key
        )
        size, square = size + new_size, square + new_square
        if (u + 1) % every == 0:
            row = stats[u // every]
            fields[u // every] = sites
            if radial:
                row[0], row[1] = rate / every, tuning[STEP]
            row[-2], row[-1] = size / every, square / every
            rate, size, square = 0.0, 0.0, 0.0
