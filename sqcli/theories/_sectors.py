"""Moves of two-dimensional U(N) to a neighbouring sector, Q → Q ± 1, for any N: an eigenvalue of each plaquette turns.

A unit vector v at the first site, drawn uniformly, is carried over the lattice X×Y: u(x) = U_0(x−1, 0)† … U_0(0, 0)† v
along the first row, and from there backwards, c(x, y) = U_1(x+1, y) … U_1(x+1, Y−1) u(x+1), u(X) going on from
u(X−1). With δ = ±2π/V,

    U_0(x, y) → U_0(x, y) exp(−iδ y c c†),   U_1(x, Y−1) → U_1(x, Y−1) exp(iδ Y x u u†).

Every plaquette is then multiplied by e^{iδ z z†}, with a unit vector z that is carried likewise: the sum of all phases
of determinants goes up by 2π, which is Q → Q + 1. In the tree gauge, where links are a walk from U_1(0, Y−1) through V
plaquettes to what U_0(…, 0) makes of it (`_torus_walk.py`), step t is multiplied by e^{iδ t v v†}, the first and the
last one by 1.

The same v with −δ takes the links back: u comes from links that stay, and c takes up a phase, which c c† does not see.
Haar's measure is kept: each U_0(x, y) is multiplied by what only U_1 and the first row know, then each U_1(x, Y−1) by
what only the first row knows. v and the sign are drawn whatever the links are, so that min(1, e^{−ΔS}) is detailed
balance. Where fields are smooth ΔS ≈ (β/N) (2π)²/2V, that of an instanton (C. Bonati and P. Rossi, Phys. Rev. D 99,
054503, 2019); for U(1) the move is that of Dürr, 1203.2560.
"""

import math

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.jit import jit, kernel
from sqcli.lattice.philox import SECTOR
from sqcli.lattice.xoshiro import next_uniform, seeded
from sqcli.theories._base import SWEEP
from sqcli.theories._link_staples import fetched, gathered, put, scattered
from sqcli.theories._matrices import purified

U = np.uint64
H, ONE = U(HEADER), U(1)
TURN = 2 * math.pi


@jit(forceinline=True)
def direction(s, n, v):
    """Draw a unit vector uniformly."""
    square = 0.0
    for i in range(n):
        size, turn = -math.log(1.0 - next_uniform(s)), TURN * next_uniform(s)
        v[i] = math.sqrt(size) * complex(math.cos(turn), math.sin(turn))
        square += size
    for i in range(n):
        v[i] *= 1.0 / math.sqrt(square)


@jit(forceinline=True)
def apply(links, at, n, v, out):
    """Compute U v of the link at `at`."""
    for i in range(n):
        total = 0j
        for j in range(n):
            total += links[at + U(i * n + j)] * v[j]
        out[i] = total


@jit(forceinline=True)
def apply_adjoint(links, at, n, v, out):
    """Compute U† v of the link at `at`."""
    for i in range(n):
        total = 0j
        for j in range(n):
            total += links[at + U(j * n + i)].conjugate() * v[j]
        out[i] = total


@jit(forceinline=True)
def carried(links, n, width, height, u, c, moved):
    """Carry u(0) over the lattice: u and c of all sites; returns Σ z† U_□ z, the real and the imaginary part."""
    entries, found = U(n * n), 0j
    for x in range(width):
        right = x + ONE if x + ONE < width else U(0)
        for i in range(n):
            moved[0, i] = u[x, i]  # U_0(x, y) c(x, y) of the plaquette above
        apply_adjoint(links, U(2) * x * height * entries, n, u[x], u[x + ONE])
        for i in range(n):
            moved[1, i] = u[x + ONE, i]
        for below in range(height):
            y = height - ONE - below
            site, aside = x * height + y, right * height + y
            apply(links, (U(2) * aside + ONE) * entries, n, moved[1], c[site])
            apply(links, (U(2) * site + ONE) * entries, n, moved[0], moved[2])
            apply(links, U(2) * site * entries, n, c[site], moved[0])
            for i in range(n):
                moved[1, i] = c[site, i]
                found += moved[2, i].conjugate() * moved[0, i]
    return found.real, found.imag


@jit(forceinline=True)
def turned(links, at, n, angle, v, link, work):
    """Multiply a link by exp(i angle v v†) from the right."""
    fetched(links, at, n, link)
    factor = complex(math.cos(angle) - 1.0, math.sin(angle))
    for i in range(n):
        total = 0j
        for j in range(n):
            total += link[i, j] * v[j]
        for j in range(n):
            link[i, j] += factor * total * v[j].conjugate()
    purified(link, n, False, work)
    put(links, at, n, link)


@kernel(SWEEP)
def change_sector(sites, geometry, neighbours, couplings, update, key):  # noqa: ARG001 - called like other sweeps
    """Propose Q ± 1 in two dimensions: see `SectorMoves`."""
    volume, width, height, n = geometry[3], geometry[H], geometry[H + ONE], np.int64(couplings[1])
    s, entries = seeded(update, SECTOR, key), U(n * n)
    links, work = np.empty(U(2) * volume * entries, np.complex128), np.empty((3, n, n), np.complex128)
    u, c = np.empty((width + ONE, n), np.complex128), np.empty((volume, n), np.complex128)
    gathered(sites, links, entries, volume, U(2))
    delta = (TURN if next_uniform(s) < 0.5 else -TURN) / float(volume)
    direction(s, n, u[0])
    real, imaginary = carried(links, n, width, height, u, c, np.empty((3, n), np.complex128))
    change = (1.0 - math.cos(delta)) * real + math.sin(delta) * imaginary
    if not next_uniform(s) < math.exp(-couplings[0] / n * change):
        return 0.0
    for x in range(width):
        for y in range(ONE, height):
            site = x * height + y
            turned(links, U(2) * site * entries, n, -delta * float(y), c[site], work[2], work)
        at = (U(2) * (x * height + height - ONE) + ONE) * entries
        turned(links, at, n, delta * float(x * height), u[x], work[2], work)
    scattered(links, sites, entries, volume, U(2))
    return 1.0
