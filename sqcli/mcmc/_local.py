"""Metropolis sweep of V·components local proposals, for any theory with `local_change`."""

import math

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.jit import jit
from sqcli.lattice.philox import SITE, philox, uniform
from sqcli.mcmc._base import System

U = np.uint64
PICK = U(1 << 31)  # indices of the numbers that pick random sites; lattices are smaller than that


@jit
def random_pairs(proposals, decisions, update, sub, key):
    """Draw two uniform numbers for every proposal; a loop of its own, which vectorises."""
    for j in range(U(proposals.size)):
        a, b = philox(j, update, SITE + sub, key)
        proposals[j], decisions[j] = uniform(a), uniform(b)


@jit
def wrapped(value, period):
    """Bring `value` into (−period/2, period/2]; a period of 0 means the real line."""
    if period == 0.0:
        return value
    return value - period * np.ceil(value / period - 0.5)


@jit
def sweep(local_change, sites, neighbours, couplings, visits, period, width, proposals, decisions, update, sub, key):
    """Propose φ_i + width·[−1, 1) along `visits` (at random where it is empty); returns the acceptance."""
    random_pairs(proposals, decisions, update, sub, key)
    size, accepted = U(sites.size), 0
    for j in range(size):
        i = U(visits[j]) if visits.size else U(uniform(philox(j | PICK, update, SITE + sub, key)[0]) * float(size))
        new = wrapped(sites[i] + width * (2.0 * proposals[j] - 1.0), period)
        change = local_change(sites, i, new, neighbours, couplings)
        if change <= 0.0 or decisions[j] < math.exp(-change):
            sites[i] = new
            accepted += 1
    return accepted / sites.size


def visits(system: System, order: str) -> NDArray[np.uint32]:
    """Degrees of freedom in the order of a checkerboard sweep; empty for random order."""
    if order == "random":
        return np.empty(0, np.uint32)
    parity = np.indices(system.lattice.extents).sum(axis=0).ravel() % 2
    sites = np.argsort(parity, kind="stable")
    offsets = system.lattice.volume * np.arange(system.components)
    return (offsets[:, None] + sites).ravel().astype(np.uint32)
