"""Kernels of U(N) and SU(N) gauge theory for any N and dimension: staples, forces in the algebra, moves in the group.

Those of N = 2 and 3 are in `_small_group_kernels`.

A link is 2N² planes of real numbers, row by row, each entry's real part before its imaginary part; a momentum is one
plane per generator T_a in the order of `GroupLinks.generators`. With A_μ(x) the sum of the 2(D − 1) staples,
∂S/∂v_a = (β/N) Im tr(T_a U A), and a link moves by U ← exp(i Σ_a v_a T_a) U. Links are brought back to the group, from
which rounding takes them, at the end of every trajectory.
"""

import math

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import fill, row_count
from sqcli.lattice.jit import jit, kernel
from sqcli.theories._base import FINISH, FLOW
from sqcli.theories._matrices import (
    adjoint_multiply,
    clear,
    exponential,
    load,
    multiply,
    multiply_adjoint,
    purified,
    store,
)

H, ONE, TWO = np.uint64(HEADER), np.uint64(1), np.uint64(2)


@jit(forceinline=True)
def staples(f, x, mu, geometry, n, work, out):
    """Sum the staples of link μ at the padded site x: U_□ = U A summed over the plaquettes at the link."""
    dimension, size = geometry[0], geometry[2]
    link = np.uint64(2 * n * n) * size
    one, two, three, four = work[0], work[1], work[2], work[3]
    step_mu = geometry[H + dimension + mu]
    clear(n, out)
    for nu in range(dimension):
        if nu == mu:
            continue
        step = geometry[H + dimension + nu]
        # ahead: U_ν(x+μ) U_μ(x+ν)† U_ν(x)†
        load(f, nu * link + x + step_mu, size, n, one)
        load(f, mu * link + x + step, size, n, two)
        load(f, nu * link + x, size, n, three)
        multiply_adjoint(one, two, n, four)
        multiply_adjoint(four, three, n, one)
        # behind: U_ν(x+μ−ν)† U_μ(x−ν)† U_ν(x−ν)
        load(f, nu * link + x + step_mu - step, size, n, two)
        load(f, mu * link + x - step, size, n, three)
        multiply(three, two, n, four)
        load(f, nu * link + x - step, size, n, three)
        adjoint_multiply(four, three, n, two)
        for i in range(n):
            for j in range(n):
                out[i, j] += one[i, j] + two[i, j]


@jit(forceinline=True)
def push(p, at, size, m, n, special, force):
    """Take force · Im tr(T_a M) from the momentum whose first plane is p[at]; returns Σ p²."""
    total = 0.0
    for j in range(n):
        for k in range(j + 1, n):
            p[at] -= force * 0.5 * (m[k, j].imag + m[j, k].imag)
            p[at + size] -= force * 0.5 * (m[j, k].real - m[k, j].real)
            total += float(p[at]) ** 2 + float(p[at + size]) ** 2
            at += TWO * size
    partial = 0.0
    for k in range(1, n):
        partial += m[k - 1, k - 1].imag
        p[at] -= force * (partial - k * m[k, k].imag) / math.sqrt(2.0 * k * (k + 1))
        total += float(p[at]) ** 2
        at += size
    if not special:
        p[at] -= force * (partial + m[n - 1, n - 1].imag) / math.sqrt(2.0 * n)
        total += float(p[at]) ** 2
    return total


@jit(forceinline=True)
def algebra(p, at, size, n, special, step, out):
    """Compute i · step · Σ_a p_a T_a."""
    half = 0.5 * step
    clear(n, out)
    for j in range(n):
        for k in range(j + 1, n):
            out[j, k] = complex(half * p[at + size], half * p[at])
            out[k, j] = complex(-half * p[at + size], half * p[at])
            at += TWO * size
    for k in range(1, n):
        value = step * p[at] / math.sqrt(2.0 * k * (k + 1))
        for i in range(k):
            out[i, i] += complex(0.0, value)
        out[k, k] -= complex(0.0, k * value)
        at += size
    if not special:
        for i in range(n):
            out[i, i] += complex(0.0, step * p[at] / math.sqrt(2.0 * n))


@jit(forceinline=True)
def sweep(to, p, f, geometry, couplings, kick, drift, last):
    """Kick all momenta once by the forces of `f`, and move the links from `f` to `to`; purified in the last sweep."""
    n, special = np.int64(couplings[1]), couplings[2] > 0.0
    dimension, size = geometry[0], geometry[2]
    length, first = geometry[H + dimension - ONE], H + TWO * dimension
    link, momentum = np.uint64(2 * n * n) * size, (geometry[4] // dimension) * size
    work = np.empty((8, n, n), np.complex128)
    a, u, m, x, e = work[4], work[5], work[6], work[7], np.empty((n, n), np.complex128)
    force = kick * couplings[0] / n
    for mu in range(dimension):
        for row in range(row_count(geometry)):
            for column in range(length):
                site = geometry[first + row] + column
                at = mu * link + site
                load(f, at, size, n, u)
                if force != 0.0:
                    staples(f, site, mu, geometry, n, work, a)
                    multiply(u, a, n, m)
                    push(p, mu * momentum + site, size, m, n, special, force)
                algebra(p, mu * momentum + site, size, n, special, drift, x)
                exponential(x, n, work, e)
                multiply(e, u, n, m)
                if last:
                    purified(m, n, special, work)
                store(to, at, size, n, m)
    fill(to, geometry)


@kernel(FLOW)
def flow(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics, alternating kicks and drifts: see `Theory.flow`."""
    here, there = start, a
    for i in range(kicks.size):
        sweep(there, p, here, geometry, couplings, step * kicks[i], step * drifts[i], i == kicks.size - 1)
        here, there = there, (b if i % 2 == 0 else a)
    return 1 if kicks.size % 2 == 1 else 2


@kernel(FINISH)
def finish(f, p, geometry, couplings, kick, energies):
    """Kick for the last time and compute the energies: see `Theory.finish`."""
    n, special = np.int64(couplings[1]), couplings[2] > 0.0
    dimension, size = geometry[0], geometry[2]
    length, first = geometry[H + dimension - ONE], H + TWO * dimension
    link, momentum = np.uint64(2 * n * n) * size, (geometry[4] // dimension) * size
    work = np.empty((8, n, n), np.complex128)
    a, u, m = work[4], work[5], work[6]
    force = kick * couplings[0] / n
    traces, square = 0.0, 0.0
    for mu in range(dimension):
        for row in range(row_count(geometry)):
            for column in range(length):
                site = geometry[first + row] + column
                load(f, mu * link + site, size, n, u)
                staples(f, site, mu, geometry, n, work, a)
                multiply(u, a, n, m)
                square += push(p, mu * momentum + site, size, m, n, special, force)
                for i in range(n):
                    traces += 1.0 - m[i, i].real / (2 * (dimension - ONE))
    # every plaquette stands in the staples of its four links: Σ_links Re tr U A/(2(D−1)) = (4/(2(D−1))) Σ_□ Re tr U_□
    energies[0] = couplings[0] / n * traces * 0.5 * (dimension - ONE)
    energies[1] = 0.5 * square
