"""Kernels of all real scalar theories with S = Σ_x [ −J Σ_μ φ(x)φ(x+μ̂) + c₂ φ(x)² + c₄ φ(x)⁴ ].

The couplings are (J, c₂, c₄); −∂S/∂φ = J Σ_{±μ} φ(x±μ̂) − 2c₂ φ − 4c₄ φ³. One sweep is one long loop over a plane of
the padded layout: the few ghost columns it crosses hold numbers that the next `fill` overwrites.
"""

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import fill, row_count
from sqcli.lattice.jit import jit, kernel
from sqcli.theories._base import ACTION, FLOW, LOCAL

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
H = np.uint64(HEADER)


@jit
def _line(to, p, f, low, high, a, b, c, e):
    for i in range(low, high):
        g = f[i]
        p[i] += a * (f[i - ONE] + f[i + ONE]) + g * (b + c * (g * g))
        to[i] = g + e * p[i]


@jit
def _plane(to, p, f, low, high, s, a, b, c, e):
    for i in range(low, high):
        g = f[i]
        near = (f[i - ONE] + f[i + ONE]) + (f[i - s] + f[i + s])
        momentum = p[i] + a * near + g * (b + c * (g * g))
        p[i] = momentum
        to[i] = g + e * momentum


@jit
def _volume(to, p, f, low, high, s, t, a, b, c, e):
    for i in range(low, high):
        g = f[i]
        near = (f[i - ONE] + f[i + ONE]) + (f[i - s] + f[i + s]) + (f[i - t] + f[i + t])
        momentum = p[i] + a * near + g * (b + c * (g * g))
        p[i] = momentum
        to[i] = g + e * momentum


@jit
def _push(p, f, low, high, s, a):
    """The neighbours along one more axis."""
    for i in range(low, high):
        p[i] += a * (f[i - s] + f[i + s])


@jit
def _block(to, p, f, low, high, geometry, a, b, c, e):
    """One contiguous piece of the lattice: a row in one dimension, a plane else."""
    dimension = geometry[0]
    stride = H + dimension
    if dimension == ONE:
        _line(to, p, f, low, high, a, b, c, e)
    elif dimension == TWO:
        _plane(to, p, f, low, high, geometry[stride], a, b, c, e)
    else:
        for axis in range(dimension - THREE):
            _push(p, f, low, high, geometry[stride + axis], a)
        last = stride + dimension
        _volume(to, p, f, low, high, geometry[last - TWO], geometry[last - THREE], a, b, c, e)


@jit
def sweep(to, p, f, geometry, couplings, kick, drift):
    """P ← p − kick ∂S/∂φ at f, then to ← f + drift p with its ghosts."""
    real = f.dtype.type
    a = real(kick * couplings[0])
    b, c = real(-2.0 * kick * couplings[1]), real(-4.0 * kick * couplings[2])
    dimension = geometry[0]
    n, first = geometry[H + dimension - ONE], H + TWO * dimension
    joined = geometry[H + dimension - TWO] if dimension > ONE else ONE
    rows = row_count(geometry)
    for row in range(ONE - ONE, rows, joined):
        low, high = geometry[first + row], geometry[first + row + joined - ONE] + n
        _block(to, p, f, low, high, geometry, a, b, c, real(drift))
    fill(to, geometry)


@kernel(FLOW)
def flow(start, a, b, p, geometry, couplings, kicks, drifts):
    """Molecular dynamics: see `Theory.flow`."""
    sweep(a, p, start, geometry, couplings, kicks[0], drifts[0])
    here, there = a, b
    for i in range(1, kicks.size):
        sweep(there, p, here, geometry, couplings, kicks[i], drifts[i])
        here, there = there, here
    return 1 if kicks.size % 2 == 1 else 2


@jit
def _row_action(f, low, high, geometry, couplings):
    dimension, total = geometry[0], 0.0
    j, c2, c4 = couplings[0], couplings[1], couplings[2]
    if dimension == TWO:
        s = geometry[H + TWO]
        for i in range(low, high):
            g = float(f[i])
            total += g * (g * (c2 + c4 * g * g) - j * (float(f[i + ONE]) + float(f[i + s])))
        return total
    if dimension == THREE:
        s, t = geometry[H + THREE + ONE], geometry[H + THREE]
        for i in range(low, high):
            g = float(f[i])
            near = float(f[i + ONE]) + float(f[i + s]) + float(f[i + t])
            total += g * (g * (c2 + c4 * g * g) - j * near)
        return total
    for i in range(low, high):
        g = float(f[i])
        near = 0.0
        for axis in range(dimension):
            near += float(f[i + geometry[H + dimension + axis]])
        total += g * (g * (c2 + c4 * g * g) - j * near)
    return total


@kernel(ACTION)
def action(f, geometry, couplings):
    """S of one field in the padded layout, summed row by row in double precision."""
    dimension = geometry[0]
    n, first = geometry[H + dimension - ONE], H + TWO * dimension
    total = 0.0
    for row in range(row_count(geometry)):
        low = geometry[first + row]
        total += _row_action(f, low, low + n, geometry, couplings)
    return total


@kernel(LOCAL)
def local_change(f, i, proposal, neighbours, couplings):
    """S[φ_i = proposal] − S on flat sites."""
    near, first = 0.0, i * np.uint64(neighbours.size // f.size)
    old, new = float(f[i]), float(proposal)
    for k in range(np.uint64(neighbours.size // f.size)):
        j = neighbours[first + k]
        near += float(f[j]) if j != i else 0.5 * (old + new)  # extent 1: a site is its own neighbour
    even = couplings[1] * (new * new - old * old) + couplings[2] * (new * new * new * new - old * old * old * old)
    return even - couplings[0] * near * (new - old)
