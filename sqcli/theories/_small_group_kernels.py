"""Kernels of U(2), U(3), SU(2) and SU(3) gauge theory, the same for all: LANES sites of a row at once (see `_links`).

Vectors begin at the first site of a row, or of a plane where short rows leave fewer lanes idle so, and may reach beyond
its end, into ghosts and rows that come later: links written there are overwritten, momenta are left as they are.
"""

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import fill, fill_component, row_count
from sqcli.lattice.jit import jit, kernel
from sqcli.lattice.lanes import LANES, lane_sum, store
from sqcli.theories._base import FINISH, FLOW
from sqcli.theories._links import (
    exponential,
    kicked,
    load_link,
    load_momentum,
    load_sites,
    one_zero,
    product,
    purified,
    vector,
    whole,
    with_squares,
    with_staples,
    with_traces,
    zero,
)
from sqcli.theories._special_unitary_2 import SpecialUnitary2
from sqcli.theories._unitary import Unitary

H, ONE, TWO, FOUR, WIDTH = np.uint64(HEADER), np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(LANES)
U2, U3, SU2, SU3 = Unitary(2, special=False), Unitary(3, special=False), SpecialUnitary2(), Unitary(3, special=True)


@jit(forceinline=True)
def rows_at_once(geometry):
    """Count the rows of a loop: all of a plane where that takes fewer vectors, else one."""
    n, rows = geometry[H + geometry[0] - ONE], geometry[H + geometry[0] - TWO]
    joined = (rows * (n + TWO) - TWO + WIDTH - ONE) // WIDTH
    return rows if joined < rows * ((n + WIDTH - ONE) // WIDTH) else ONE


@jit(forceinline=True)
def inner_sites(geometry, rows):
    """Make 1 for each site of a loop over `rows` rows, 0 for the ghosts between them and for what lies behind."""
    n = geometry[H + geometry[0] - ONE]
    sites = np.zeros(rows * (n + TWO) + WIDTH)
    for row in range(rows):
        for x in range(n):
            sites[row * (n + TWO) + x] = 1.0
    return sites


@jit(forceinline=True)
def staples(group, f, x, mu, geometry):
    """Sum the staples of the links μ at x and the lanes behind."""
    dimension, size = geometry[0], geometry[2]
    link, strides = geometry[1] // dimension * size, H + dimension
    ahead, here = geometry[strides + mu], mu * link + x
    total = zero(group, 0.0)
    for nu in range(dimension):
        if nu != mu:
            step, side = geometry[strides + nu], nu * link + x
            total = with_staples(
                group, total, load_link(group, f, side + ahead, size), load_link(group, f, here + step, size),
                load_link(group, f, side, size), load_link(group, f, side + ahead - step, size),
                load_link(group, f, here - step, size), load_link(group, f, side - step, size),
            )  # fmt: skip
    return total


@jit(forceinline=True)
def sweep(group, to, p, f, geometry, joined, inner, couplings, kick, drift, last):
    """Kick all momenta once by the forces of `f`, and move the links from `f` to `to`; purified in the last sweep."""
    dimension, size = geometry[0], geometry[2]
    length, first = geometry[H + dimension - ONE], H + TWO * dimension
    link, momentum = geometry[1] // dimension * size, geometry[4] // dimension * size
    force = kick * couplings[0] / couplings[1]
    for row in range(np.uint64(0), row_count(geometry), joined):
        low, high = geometry[first + row], geometry[first + row + joined - ONE] + length
        for mu in range(dimension):
            for x in range(low, high, WIDTH):
                sites = load_sites(group, inner, x - low, ONE)
                at, here = mu * momentum + x, mu * link + x
                pi, u = load_momentum(group, p, at, size), load_link(group, f, here, size)
                if force != 0.0:
                    pi = kicked(group, pi, product(group, u, staples(group, f, x, mu, geometry)), force, sites)
                    store(p, at, size, pi)
                u = product(group, exponential(group, vector(group, pi, drift, sites)), u)
                if last:
                    store(to, here, size, whole(group, purified(group, u)))
                else:
                    store(to, here, size, u)
    if last:
        fill(to, geometry)
    else:
        fill_read(to, geometry, couplings)


@jit
def fill_read(f, geometry, couplings):
    """Fill the ghosts of those planes that kernels read: of SU(2) only the first row of matrices."""
    special2 = couplings[1] == 2.0 and couplings[2] > 0.0
    width = geometry[1] // geometry[0]
    for mu in range(geometry[0]):
        for plane in range(FOUR if special2 else width):
            fill_component(f, (mu * width + plane) * geometry[2], geometry)


@jit(forceinline=True)
def follow(group, start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics, alternating kicks and drifts: see `Theory.flow`."""
    joined = rows_at_once(geometry)
    inner = inner_sites(geometry, joined)
    here, there = start, a
    for i in range(kicks.size):
        last = i == kicks.size - 1
        sweep(group, there, p, here, geometry, joined, inner, couplings, step * kicks[i], step * drifts[i], last)
        here, there = there, (b if i % 2 == 0 else a)
    return 1 if kicks.size % 2 == 1 else 2


@jit(forceinline=True)
def conclude(group, f, p, geometry, couplings, kick, energies):
    """Kick for the last time and compute the energies: see `Theory.finish`."""
    dimension, size, joined = geometry[0], geometry[2], rows_at_once(geometry)
    length, first, inner = geometry[H + dimension - ONE], H + TWO * dimension, inner_sites(geometry, joined)
    link, momentum = geometry[1] // dimension * size, geometry[4] // dimension * size
    force, share = kick * couplings[0] / couplings[1], 0.5 / (dimension - ONE)
    traces, squares = one_zero(0.0), one_zero(0.0)
    for row in range(np.uint64(0), row_count(geometry), joined):
        low, high = geometry[first + row], geometry[first + row + joined - ONE] + length
        for mu in range(dimension):
            for x in range(low, high, WIDTH):
                sites, at = load_sites(group, inner, x - low, ONE), mu * momentum + x
                u = load_link(group, f, mu * link + x, size)
                loops = product(group, u, staples(group, f, x, mu, geometry))
                pi = kicked(group, load_momentum(group, p, at, size), loops, force, sites)
                store(p, at, size, pi)
                traces = with_traces(group, traces, loops, sites, couplings[1], share)
                squares = with_squares(squares, pi, sites)
    # every plaquette stands in the staples of its four links: Σ_links Re tr U A/(2(D−1)) = (4/(2(D−1))) Σ_□ Re tr U_□
    energies[0] = couplings[0] / couplings[1] * lane_sum(traces) * 0.5 * (dimension - ONE)
    energies[1] = 0.5 * lane_sum(squares)


@kernel(FLOW)
def flow_su2(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics of SU(2), see `Theory.flow`."""
    return follow(SU2, start, a, b, p, geometry, couplings, kicks, drifts, step)


@kernel(FLOW)
def flow_su3(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics of SU(3), see `Theory.flow`."""
    return follow(SU3, start, a, b, p, geometry, couplings, kicks, drifts, step)


@kernel(FLOW)
def flow_u2(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics of U(2), see `Theory.flow`."""
    return follow(U2, start, a, b, p, geometry, couplings, kicks, drifts, step)


@kernel(FLOW)
def flow_u3(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics of U(3), see `Theory.flow`."""
    return follow(U3, start, a, b, p, geometry, couplings, kicks, drifts, step)


@kernel(FINISH)
def finish_su2(f, p, geometry, couplings, kick, energies):
    """Kick SU(2) for the last time and compute the energies, see `Theory.finish`."""
    conclude(SU2, f, p, geometry, couplings, kick, energies)


@kernel(FINISH)
def finish_su3(f, p, geometry, couplings, kick, energies):
    """Kick SU(3) for the last time and compute the energies, see `Theory.finish`."""
    conclude(SU3, f, p, geometry, couplings, kick, energies)


@kernel(FINISH)
def finish_u2(f, p, geometry, couplings, kick, energies):
    """Kick U(2) for the last time and compute the energies, see `Theory.finish`."""
    conclude(U2, f, p, geometry, couplings, kick, energies)


@kernel(FINISH)
def finish_u3(f, p, geometry, couplings, kick, energies):
    """Kick U(3) for the last time and compute the energies, see `Theory.finish`."""
    conclude(U3, f, p, geometry, couplings, kick, energies)


KERNELS = {
    (2, False): (flow_u2, finish_u2),
    (3, False): (flow_u3, finish_u3),
    (2, True): (flow_su2, finish_su2),
    (3, True): (flow_su3, finish_su3),
}
"""(N, whether determinants are 1) -> flow, finish."""
