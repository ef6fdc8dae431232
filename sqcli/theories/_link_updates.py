"""Local updates of all links of U(N) and SU(N), one after the other and in place."""

import numpy as np

from sqcli.lattice.jit import jit, kernel
from sqcli.lattice.philox import LINK, SITE
from sqcli.lattice.xoshiro import seeded
from sqcli.theories._base import JUMP, SWEEP
from sqcli.theories._link_moves import drawn, proposed, reflected
from sqcli.theories._link_staples import fetched, gathered, put, scattered, staples

U = np.uint64


@jit(inline="always")
def sweep(visit, sites, geometry, neighbours, couplings, width, s):
    """Visit all links with their staples; returns the share of them that `visit` accepted."""
    n, special = np.int64(couplings[1]), couplings[2] > 0.0
    strength, dimension, volume, entries = couplings[0] / n, geometry[0], geometry[3], U(n * n)
    links, work, accepted = np.empty(entries * dimension * volume, np.complex128), np.empty((7, n, n), np.complex128), 0
    link, a, loop = work[4], work[5], work[6]
    gathered(sites, links, entries, volume, dimension)
    for x in range(volume):
        for mu in range(dimension):
            at = (x * dimension + mu) * entries
            staples(links, neighbours, x, mu, dimension, U(n), special, loop, a)
            fetched(links, at, n, link)
            if n == 2:  # constants unroll loops
                accepted += visit(link, a, loop, 2, special, strength, width, s, work)
            elif n == 3:
                accepted += visit(link, a, loop, 3, special, strength, width, s, work)
            else:
                accepted += visit(link, a, loop, n, special, strength, width, s, work)
            put(links, at, n, link)
    scattered(links, sites, entries, volume, dimension)
    return accepted / (dimension * volume)


@kernel(SWEEP)
def redraw(sites, geometry, neighbours, couplings, update, key):
    """Draw every link, one SU(2) subgroup after the other and then its phase: see `ConditionalDraws.redraw`."""
    return sweep(drawn, sites, geometry, neighbours, couplings, 0.0, seeded(update, LINK, key))


@kernel(SWEEP)
def reflect(sites, geometry, neighbours, couplings, update, key):
    """Reflect every link likewise (M. Creutz, Phys. Rev. D 36, 515, 1987): see `Reflections.reflect`."""
    return sweep(reflected, sites, geometry, neighbours, couplings, 0.0, seeded(update, LINK, key))


@kernel(JUMP)
def jump(sites, geometry, neighbours, couplings, width, update, key):
    """Propose every link anew, and accept or reject it: see `SweepProposals.jump`."""
    return sweep(proposed, sites, geometry, neighbours, couplings, width, seeded(update, SITE, key))
