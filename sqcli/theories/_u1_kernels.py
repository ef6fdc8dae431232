"""Kernels of two-dimensional U(1): angles θ₀, θ₁ as two padded components, sines of plaquettes shared by the forces.

The sine is an odd polynomial on [−π/2, π/2] after reduction (error below 1e−15), because the library's does not
vectorise. The flow leaves angles in (−π, π].
"""

import math

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import fill
from sqcli.lattice.jit import jit, kernel
from sqcli.theories._base import FINISH, FLOW, LOCAL

ONE = np.uint64(1)
FIRST, LAST = np.uint64(HEADER), np.uint64(HEADER + 1)
STRIDE, ROWS = np.uint64(HEADER + 2), np.uint64(HEADER + 4)
TURN, PI = 2 * math.pi, math.pi


@jit(inline="always")
def sine(x):
    """Compute sin x: x reduced to [−π, π], folded to [−π/2, π/2], Taylor to x^17 with the remainder spread."""
    r = x - np.floor(x * (1.0 / TURN) + 0.5) * TURN
    r = PI - r if r > 0.5 * PI else (-PI - r if r < -0.5 * PI else r)
    z = r * r
    s = z * 2.7204790957888846e-15 - 7.6429178068910467e-13
    s = s * z + 1.6058936490371589e-10
    s = s * z - 2.5052106798274584e-08
    s = s * z + 2.7557319210152756e-06
    s = s * z - 1.9841269841201840e-04
    s = s * z + 8.3333333333331650e-03
    s = s * z - 1.6666666666666666e-01
    return s * z * r + r


@jit
def plaquette_sines(f, out, low, high, s, up):
    """Compute sin θ_□ on a contiguous piece; `up` is the offset of the second component."""
    for i in range(low, high):
        out[i] = sine(float(f[i]) + float(f[up + i + s]) - float(f[i + ONE]) - float(f[up + i]))


@jit
def move(to, p, f, sines, low, high, offset, back, force, drift):
    """Kick one component by force·(sin θ_□(x) − sin θ_□(x − back)), then let it drift."""
    for i in range(low, high):
        momentum = p[offset + i] - force * (sines[i] - sines[i - back])
        p[offset + i] = momentum
        angle = f[offset + i] + drift * momentum
        to[offset + i] = angle - TURN * np.ceil(angle * (1.0 / TURN) - 0.5)


@jit
def sweep(to, p, f, sines, geometry, plane, couplings, kick, drift):
    """Kick both components once and let them drift."""
    s, up = geometry[STRIDE], geometry[2]
    low = geometry[ROWS]
    high = geometry[ROWS + geometry[FIRST] - ONE] + geometry[LAST]
    plaquette_sines(f, sines, low, high, s, up)
    fill(sines, plane)
    force = kick * couplings[0]
    move(to, p, f, sines, low, high, np.uint64(0), ONE, force, drift)
    move(to, p, f, sines, low, high, up, s, -force, drift)
    fill(to, geometry)


@kernel(FLOW)
def flow(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics, alternating kicks and drifts: see `Theory.flow`."""
    sines, plane = np.zeros(geometry[2]), geometry.copy()
    plane[1] = ONE  # the sines are one component
    sweep(a, p, start, sines, geometry, plane, couplings, step * kicks[0], step * drifts[0])
    here, there = a, b
    for i in range(1, kicks.size):
        sweep(there, p, here, sines, geometry, plane, couplings, step * kicks[i], step * drifts[i])
        here, there = there, here
    return 1 if kicks.size % 2 == 1 else 2


@jit
def half_sines(f, low, high, s, up):
    """Sum sin²(θ_□/2) over one row."""
    total = 0.0
    for i in range(low, high):
        half = sine(0.5 * (float(f[i]) + float(f[up + i + s]) - float(f[i + ONE]) - float(f[up + i])))
        total += half * half
    return total


@jit
def push(p, sines, low, high, offset, back, force):
    """Kick one row as `move` does, without a drift; return Σ p²."""
    total = 0.0
    for i in range(low, high):
        momentum = float(p[offset + i]) - force * (sines[i] - sines[i - back])
        p[offset + i] = momentum
        total += momentum * momentum
    return total


@kernel(FINISH)
def finish(f, p, geometry, couplings, kick, energies):
    """Kick for the last time and compute the energies, S = 2β Σ_□ sin²(θ_□/2): see `Theory.finish`."""
    s, up, plane = geometry[STRIDE], geometry[2], geometry.copy()
    plane[1] = ONE
    sines, total, square = np.zeros(geometry[2]), 0.0, 0.0
    plaquette_sines(f, sines, geometry[ROWS], geometry[ROWS + geometry[FIRST] - ONE] + geometry[LAST], s, up)
    fill(sines, plane)
    force = kick * couplings[0]
    for row in range(geometry[FIRST]):
        low, high = geometry[ROWS + row], geometry[ROWS + row] + geometry[LAST]
        total += half_sines(f, low, high, s, up)
        square += push(p, sines, low, high, np.uint64(0), ONE, force) + push(p, sines, low, high, up, s, -force)
    energies[0], energies[1] = 2.0 * couplings[0] * total, 0.5 * square


@kernel(LOCAL)
def local_change(f, i, proposal, neighbours, couplings):
    """Compute the change of S when link i takes the angle `proposal`, on flat sites: two plaquettes at the link."""
    volume = np.uint64(f.size // 2)
    component, x = i // volume, i % volume
    ahead, sign = (np.uint64(2), -1.0) if component == 0 else (np.uint64(0), 1.0)
    back = np.uint64(neighbours[x * np.uint64(4) + ahead + ONE])
    change = 0.0
    for site, side in ((x, 1.0), (back, -1.0)):
        right, top = (
            np.uint64(neighbours[site * np.uint64(4)]),
            np.uint64(neighbours[site * np.uint64(4) + np.uint64(2)]),
        )
        angle = float(f[site]) + float(f[volume + right]) - float(f[top]) - float(f[volume + site])
        turned = angle - sign * side * (float(proposal) - float(f[i]))
        change += math.cos(angle) - math.cos(turned)
    return couplings[0] * change
