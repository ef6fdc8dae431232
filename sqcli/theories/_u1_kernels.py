"""Kernels of U(1) in two to four dimensions: links θ_μ as padded components, sines of plaquettes shared by the forces.

One sweep computes the sines of all planes μ < ν, then the forces, β Σ_{ν≠μ} ±[sin θ_μν(x) − sin θ_μν(x−ν̂)], in long
loops over planes of the padded layout: the few ghosts they cross hold numbers that the next `fill` overwrites.
The sine is an odd polynomial on [−π/2, π/2] after reduction (error below 1e−15), because the library's does not
vectorise. The flow leaves angles in (−π, π].
"""

import math

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import fill, row_count
from sqcli.lattice.jit import jit, kernel
from sqcli.theories._base import FINISH, FLOW, LOCAL

ONE, TWO = np.uint64(1), np.uint64(2)
H = np.uint64(HEADER)
NONE = np.uint64(0)
LONGEST = np.uint64(4096)  # sites of a loop over more than a plane
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


@jit(inline="always")
def plane_of(mu, nu, dimension):
    """Find the number of the plane of two axes, in the order (0, 1), (0, 2), …."""
    a, b = min(mu, nu), max(mu, nu)
    return a * (TWO * dimension - a - ONE) // TWO + b - a - ONE


@jit(inline="always")
def last_partner(mu, dimension):
    """Find the last axis that is not `mu`."""
    return dimension - ONE if mu + ONE < dimension else dimension - TWO


@jit
def plaquette_sines(f, out, low, high, a, b, s, t, offset):
    """Compute sin θ_□ on a contiguous piece; `a`, `b` are the offsets of the components, `s`, `t` their strides."""
    for i in range(low, high):
        angle = float(f[a + i]) + float(f[b + i + s]) - float(f[a + i + t]) - float(f[b + i])
        out[offset + i] = sine(angle)


@jit
def half_sines(f, low, high, a, b, s, t):
    """Sum sin²(θ_□/2) over one row."""
    total = 0.0
    for i in range(low, high):
        half = sine(0.5 * (float(f[a + i]) + float(f[b + i + s]) - float(f[a + i + t]) - float(f[b + i])))
        total += half * half
    return total


@jit
def push(p, sines, low, high, offset, plane, back, force):
    """Kick one component by force·(sin θ_□(x) − sin θ_□(x − back)); return Σ p²."""
    total = 0.0
    for i in range(low, high):
        momentum = float(p[offset + i]) - force * (sines[plane + i] - sines[plane + i - back])
        p[offset + i] = momentum
        total += momentum * momentum
    return total


@jit
def move(to, p, f, sines, low, high, offset, plane, back, force, drift):
    """Kick one component as `push` does, then let it drift."""
    for i in range(low, high):
        momentum = p[offset + i] - force * (sines[plane + i] - sines[plane + i - back])
        p[offset + i] = momentum
        angle = f[offset + i] + drift * momentum
        to[offset + i] = angle - TURN * np.ceil(angle * (1.0 / TURN) - 0.5)


@jit
def rows_at_once(geometry):
    """Count the rows that one long loop crosses: those of a plane, and of further axes while the loop is short."""
    dimension = geometry[0]
    n, joined, axis = geometry[H + dimension - ONE], geometry[H + dimension - TWO], dimension - TWO
    while axis > NONE and joined * n * geometry[H + axis - ONE] <= LONGEST:
        axis -= ONE
        joined *= geometry[H + axis]
    return joined


@jit(inline="always")
def square(geometry):
    """Read the table in two dimensions: ends of the loop over all rows, length of a row, strides."""
    n, s, first = geometry[H + ONE], geometry[H + TWO], H + TWO + TWO
    return geometry[first], geometry[first + geometry[H] - ONE] + n, n, s, ONE


@jit
def all_sines(f, sines, geometry, planes):
    """Compute the sines of all plaquettes, with ghosts."""
    dimension, size, strides = geometry[0], geometry[2], H + geometry[0]
    if dimension == TWO:
        low, high, _, s, t = square(geometry)
        plaquette_sines(f, sines, low, high, NONE, size, s, t, NONE)
        fill(sines, planes)
        return
    n, first, joined = geometry[strides - ONE], strides + dimension, rows_at_once(geometry)
    for row in range(NONE, row_count(geometry), joined):
        low, high = geometry[first + row], geometry[first + row + joined - ONE] + n
        for a in range(dimension):
            for b in range(a + ONE, dimension):
                s, t, plane = geometry[strides + a], geometry[strides + b], plane_of(a, b, dimension)
                plaquette_sines(f, sines, low, high, a * size, b * size, s, t, plane * size)
    fill(sines, planes)


@jit
def kick(p, sines, geometry, low, high, mu, last, force):
    """Kick component `mu` by the planes with all other axes, but not that with the axis `last`."""
    dimension, size = geometry[0], geometry[2]
    for nu in range(dimension):
        if nu != mu and nu != last:
            plane = plane_of(mu, nu, dimension) * size
            back = geometry[H + dimension + nu]
            push(p, sines, low, high, mu * size, plane, back, force if mu < nu else -force)


@jit
def sweep(to, p, f, sines, geometry, planes, couplings, impulse, drift):
    """Kick all components once and let them drift; two dimensions apart, where bookkeeping would take as long."""
    dimension, size, force = geometry[0], geometry[2], impulse * couplings[0]
    all_sines(f, sines, geometry, planes)
    if dimension == TWO:
        low, high, _, s, t = square(geometry)
        move(to, p, f, sines, low, high, NONE, NONE, t, force, drift)
        move(to, p, f, sines, low, high, size, NONE, s, -force, drift)
        fill(to, geometry)
        return
    strides, joined = H + dimension, rows_at_once(geometry)
    n, first = geometry[strides - ONE], strides + dimension
    for row in range(NONE, row_count(geometry), joined):
        low, high = geometry[first + row], geometry[first + row + joined - ONE] + n
        for mu in range(dimension):
            nu = last_partner(mu, dimension)
            kick(p, sines, geometry, low, high, mu, nu, force)
            plane, back = plane_of(mu, nu, dimension) * size, geometry[strides + nu]
            move(to, p, f, sines, low, high, mu * size, plane, back, force if mu < nu else -force, drift)
    fill(to, geometry)


@jit
def plane_table(geometry):
    """Make the table of the padded layout with a component for each plane."""
    planes = geometry.copy()
    planes[1] = geometry[0] * (geometry[0] - ONE) // TWO
    return planes


@kernel(FLOW)
def flow(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics, alternating kicks and drifts: see `Theory.flow`."""
    planes = plane_table(geometry)
    sines = np.zeros(planes[1] * planes[2])
    sweep(a, p, start, sines, geometry, planes, couplings, step * kicks[0], step * drifts[0])
    here, there = a, b
    for i in range(1, kicks.size):
        sweep(there, p, here, sines, geometry, planes, couplings, step * kicks[i], step * drifts[i])
        here, there = there, here
    return 1 if kicks.size % 2 == 1 else 2


@jit
def plane_energies(f, p, sines, geometry, force):
    """Kick all components in two dimensions; return Σ sin²(θ_□/2) and Σ p²."""
    size, total, square_sum = geometry[2], 0.0, 0.0
    start, _, n, s, t = square(geometry)
    for row in range(geometry[H]):
        low = start + row * s
        high = low + n
        total += half_sines(f, low, high, NONE, size, s, t)
        square_sum += push(p, sines, low, high, NONE, NONE, t, force) + push(p, sines, low, high, size, NONE, s, -force)
    return total, square_sum


@jit
def energies_of(f, p, sines, geometry, force):
    """Kick all components in any dimension; return Σ sin²(θ_□/2) and Σ p²."""
    dimension, size, strides = geometry[0], geometry[2], H + geometry[0]
    n, total, square_sum = geometry[strides - ONE], 0.0, 0.0
    for row in range(row_count(geometry)):
        low = geometry[strides + dimension + row]
        high = low + n
        for mu in range(dimension):
            for nu in range(mu + ONE, dimension):
                s, t = geometry[strides + mu], geometry[strides + nu]
                total += half_sines(f, low, high, mu * size, nu * size, s, t)
            nu = last_partner(mu, dimension)
            kick(p, sines, geometry, low, high, mu, nu, force)
            plane, back = plane_of(mu, nu, dimension) * size, geometry[strides + nu]
            square_sum += push(p, sines, low, high, mu * size, plane, back, force if mu < nu else -force)
    return total, square_sum


@kernel(FINISH)
def finish(f, p, geometry, couplings, impulse, energies):
    """Kick for the last time and compute the energies, S = 2β Σ_□ sin²(θ_□/2): see `Theory.finish`."""
    planes, force = plane_table(geometry), impulse * couplings[0]
    sines = np.zeros(planes[1] * planes[2])
    all_sines(f, sines, geometry, planes)
    if geometry[0] == TWO:
        total, square_sum = plane_energies(f, p, sines, geometry, force)
    else:
        total, square_sum = energies_of(f, p, sines, geometry, force)
    energies[0], energies[1] = 2.0 * couplings[0] * total, 0.5 * square_sum


@kernel(LOCAL)
def local_change(f, i, proposal, neighbours, couplings):
    """Compute the change of S when link i, with 2(D − 1) plaquettes, takes the angle `proposal`, on flat sites."""
    dimension = np.uint64(couplings[1])
    volume, directions = np.uint64(f.size) // dimension, TWO * dimension
    mu, x = i // volume, i % volume
    change, turn = 0.0, float(proposal) - float(f[i])
    for nu in range(dimension):
        if nu == mu:
            continue
        a, b = min(mu, nu), max(mu, nu)
        back = np.uint64(neighbours[x * directions + TWO * nu + ONE])
        sign = 1.0 if mu < nu else -1.0
        for site, side in ((x, sign), (back, -sign)):
            right = np.uint64(neighbours[site * directions + TWO * a])
            top = np.uint64(neighbours[site * directions + TWO * b])
            angle = float(f[a * volume + site]) + float(f[b * volume + right])
            angle = angle - float(f[a * volume + top]) - float(f[b * volume + site])
            change += math.cos(angle) - math.cos(angle + side * turn)
    return couplings[0] * change
