"""Kernels of all real scalar theories with S = Σ_x [ −J Σ_μ φ(x)φ(x+μ̂) + c₂ φ(x)² + c₄ φ(x)⁴ ].

The couplings are (J, c₂, c₄); −∂S/∂φ = J Σ_{±μ} φ(x±μ̂) − 2c₂ φ − 4c₄ φ³. One sweep is one long loop over a plane of
the padded layout: the few ghost columns it crosses hold numbers that the next `fill` overwrites.
"""

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.halo import fill, row_count
from sqcli.lattice.jit import jit, kernel
from sqcli.theories._base import FINISH, FLOW, LOCAL

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
    """Kick by the neighbours along one more axis."""
    for i in range(low, high):
        p[i] += a * (f[i - s] + f[i + s])


@jit
def _block(to, p, f, low, high, geometry, a, b, c, e):
    """Kick and drift one contiguous piece of the lattice: a row in one dimension, a plane else."""
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
    """Kick p ← p − kick ∂S/∂φ at f, then drift to ← f + drift p with its ghosts."""
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
def flow(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics, alternating kicks and drifts: see `Theory.flow`."""
    sweep(a, p, start, geometry, couplings, step * kicks[0], step * drifts[0])
    here, there = a, b
    for i in range(1, kicks.size):
        sweep(there, p, here, geometry, couplings, step * kicks[i], step * drifts[i])
        here, there = there, here
    return 1 if kicks.size % 2 == 1 else 2


@jit
def _near(f, i, geometry):
    """Sum the neighbours of site i in any dimension."""
    dimension, total = geometry[0], 0.0
    for axis in range(dimension):
        stride = geometry[H + dimension + axis]
        total += float(f[i - stride]) + float(f[i + stride])
    return total


@jit
def _row_energies(f, p, low, high, geometry, j, c2, c4, kick):
    """Kick one row and return its (S, Σ p²) in double precision; every bond counts half from either end."""
    dimension, s, t = geometry[0], geometry[H + geometry[0]], geometry[H + geometry[0] + ONE]
    total, square = 0.0, 0.0
    if dimension == TWO:
        for i in range(low, high):
            g = float(f[i])
            near = (float(f[i - ONE]) + float(f[i + ONE])) + (float(f[i - s]) + float(f[i + s]))
            momentum = float(p[i]) - kick * (g * (2.0 * c2 + 4.0 * c4 * (g * g)) - j * near)
            p[i] = momentum
            square += momentum * momentum
            total += g * (g * (c2 + c4 * (g * g)) - 0.5 * j * near)
    elif dimension == THREE:
        for i in range(low, high):
            g = float(f[i])
            near = (float(f[i - ONE]) + float(f[i + ONE])) + (float(f[i - s]) + float(f[i + s]))
            near += float(f[i - t]) + float(f[i + t])
            momentum = float(p[i]) - kick * (g * (2.0 * c2 + 4.0 * c4 * (g * g)) - j * near)
            p[i] = momentum
            square += momentum * momentum
            total += g * (g * (c2 + c4 * (g * g)) - 0.5 * j * near)
    else:
        for i in range(low, high):
            g, near = float(f[i]), _near(f, i, geometry)
            momentum = float(p[i]) - kick * (g * (2.0 * c2 + 4.0 * c4 * (g * g)) - j * near)
            p[i] = momentum
            square += momentum * momentum
            total += g * (g * (c2 + c4 * (g * g)) - 0.5 * j * near)
    return total, square


@kernel(FINISH)
def finish(f, p, geometry, couplings, kick, energies):
    """Kick for the last time and compute the energies: see `Theory.finish`."""
    dimension = geometry[0]
    n, first = geometry[H + dimension - ONE], H + TWO * dimension
    j, c2, c4 = couplings[0], couplings[1], couplings[2]
    total, square = 0.0, 0.0
    for row in range(row_count(geometry)):
        low = geometry[first + row]
        s, q = _row_energies(f, p, low, low + n, geometry, j, c2, c4, kick)
        total += s
        square += q
    energies[0], energies[1] = total, 0.5 * square


@kernel(LOCAL)
def local_change(f, i, proposal, neighbours, couplings):
    """Compute S[φ_i = proposal] − S on flat sites."""
    near, first = 0.0, i * np.uint64(neighbours.size // f.size)
    old, new = float(f[i]), float(proposal)
    for k in range(np.uint64(neighbours.size // f.size)):
        j = neighbours[first + k]
        near += float(f[j]) if j != i else 0.5 * (old + new)  # extent 1: a site is its own neighbour
    even = couplings[1] * (new * new - old * old) + couplings[2] * (new * new * new * new - old * old * old * old)
    return even - couplings[0] * near * (new - old)
