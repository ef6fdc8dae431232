"""Unitary g of the density e^{Σ_ij M_ij |g_ij|²}, M real, under Haar's measure of U(N), N ≤ 3: exact draws.

Such is e^{κ Re tr(g D g† E†)}, D and E diagonal (cf. Itzykson and Zuber, J. Math. Phys. 21 (1980) 411). N = 2: |g₁₁|²
is uniform under Haar's measure. N = 3: given the first column v, the second one is a vector w orthogonal to it with
the weight e^{w† m w}, m_i = M_i2 − M_i3, whose integral is (e^{μ₁} − e^{μ₂})/(μ₁ − μ₂), μ the eigenvalues of m there.
The μ interlace the m_i, and |v_i|² = Π_j (m_i − μ_j)/Π_{k≠i} (m_i − m_k), uniform on the triangle, has the Jacobian
μ₁ − μ₂ (Gelfand and Tsetlin); the exponent is bilinear in μ₁, μ₂.
"""

import math

import numpy as np

from sqcli.lattice.jit import jit
from sqcli.theories._plaquette_cells import frame, uniforms, unit

PIECES = 16


@jit(forceinline=True)
def tilted(slope, r):
    """Turn a uniform number r into one of the density e^{slope u} on [0, 1]."""
    if abs(slope) < 1e-5:
        return r + 0.5 * slope * r * (1.0 - r)
    if slope > 0.0:
        found = 1.0 + math.log(r + (1.0 - r) * math.exp(-slope)) / slope
    else:
        found = math.log(1.0 - r + r * math.exp(slope)) / slope
    return min(max(found, 0.0), 1.0)


@jit(forceinline=True)
def log_mean(slope):
    """Compute log ∫_0^1 e^{slope u} du, a convex function."""
    if abs(slope) < 1e-3:
        return 0.5 * slope + slope * slope / 24.0
    if slope > 0.0:
        return slope + math.log(-math.expm1(-slope) / slope)
    return math.log(math.expm1(slope) / slope)


@jit(forceinline=True)
def chord(logs, state, key):
    """Draw u in [0, 1] from e^f, f linear between PIECES + 1 knots; returns u and f(u)."""
    top = logs[0]
    for i in range(1, PIECES + 1):
        top = max(top, logs[i])
    total = 0.0
    for i in range(PIECES):
        total += math.exp(logs[i] - top + log_mean(logs[i + 1] - logs[i]))
    one, two = uniforms(state, key)
    wanted, piece = one * total, 0
    for i in range(PIECES):
        piece = i
        wanted -= math.exp(logs[i] - top + log_mean(logs[i + 1] - logs[i]))
        if wanted < 0.0:
            break
    slope = logs[piece + 1] - logs[piece]
    at = tilted(slope, two)
    return (piece + at) / PIECES, logs[piece] + slope * at


@jit(forceinline=True)
def first_column(m, order, matrix, logs, state, key, squares):
    """Draw |v_i|² of the first column, N = 3."""
    high, middle, low = order[0], order[1], order[2]
    upper, lower = m[high] - m[middle] + 1e-12, m[middle] - m[low] + 1e-12
    both = upper + lower
    n1, n2, n3 = (matrix[high, 0] - matrix[high, 2], matrix[middle, 0] - matrix[middle, 2],
                  matrix[low, 0] - matrix[low, 2])  # fmt: skip
    # exponent e₁u₁ + e₂u₂ + e₁₂u₁u₂, μ₁ = m₂ + u₁ (m₁ − m₂), μ₂ = m₂ − u₂ (m₂ − m₃)
    e1 = (n3 - n1) * upper / both + upper
    e2 = (n1 - n3) * lower / both
    e12 = n2 - (n1 * lower + n3 * upper) / both
    for i in range(PIECES + 1):
        at = i / PIECES
        logs[i] = e2 * at + log_mean(e1 + e12 * at)
    while True:
        u2, bound = chord(logs, state, key)
        one, two = uniforms(state, key)
        slope = e1 + e12 * u2
        if one >= math.exp(e2 * u2 + log_mean(slope) - bound):
            continue
        u1 = tilted(slope, two)
        one, two = uniforms(state, key)
        if one * math.expm1(-both) > math.expm1(-(u1 * upper + u2 * lower)):
            break
    squares[high] = (1.0 - u1) * (upper + u2 * lower) / both
    squares[middle] = u1 * u2
    squares[low] = (1.0 - u2) * (lower + u1 * upper) / both


@jit(forceinline=True)
def second_column(m, v, first, second, state, key, out):
    """Draw the second column, given the first one: e^{w† m w} on the unit vectors of the plane orthogonal to v."""
    frame(v, first, second)
    a, b, c = 0.0, 0.0, 0j
    for i in range(3):
        a += m[i] * (first[i].real ** 2 + first[i].imag ** 2)
        b += m[i] * (second[i].real ** 2 + second[i].imag ** 2)
        c += m[i] * first[i].conjugate() * second[i]
    half, size = 0.5 * (a - b), abs(c)
    spread = math.sqrt(half * half + size * size)
    turn = 0.5 * math.atan2(size, half)
    across = c.conjugate() / size if size > 0.0 else 1.0 + 0j
    one, two = uniforms(state, key)
    three, _ = uniforms(state, key)
    share = tilted(2.0 * spread, one)
    large, small = math.sqrt(share) * unit(two), math.sqrt(1.0 - share) * unit(three)
    x = large * math.cos(turn) - small * math.sin(turn)
    y = (large * math.sin(turn) + small * math.cos(turn)) * across
    for i in range(3):
        out[i] = x * first[i] + y * second[i]


@jit(forceinline=True)
def aligned(matrix, n, state, key, work, out):
    """Draw g; `matrix` is M."""
    if n == 1:
        out[0, 0] = unit(uniforms(state, key)[0])
        return
    if n == 2:
        one, two = uniforms(state, key)
        share = tilted(matrix[0, 0] + matrix[1, 1] - matrix[0, 1] - matrix[1, 0], one)
        three, four = uniforms(state, key)
        straight, crossed = math.sqrt(share) * unit(two), math.sqrt(1.0 - share) * unit(three)
        turn = unit(four)
        out[0, 0], out[0, 1] = straight, crossed
        out[1, 0], out[1, 1] = -turn * crossed.conjugate(), turn * straight.conjugate()
        return
    m, squares, logs, order = np.empty(3), np.empty(3), np.empty(PIECES + 1), np.empty(3, np.int64)
    for i in range(3):
        m[i] = matrix[i, 1] - matrix[i, 2]
    for i in range(3):
        place = 0
        for j in range(3):
            if m[j] > m[i] or (m[j] == m[i] and j < i):
                place += 1
        order[place] = i
    first_column(m, order, matrix, logs, state, key, squares)
    v, w = work[1, 0], work[1, 1]
    for i in range(3):
        one, two = uniforms(state, key)
        v[i] = math.sqrt(max(squares[i], 0.0)) * unit(one)
    second_column(m, v, work[0, 0], work[0, 1], state, key, w)
    turn = unit(uniforms(state, key)[0])
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        out[i, 0], out[i, 1] = v[i], w[i]
        out[i, 2] = turn * (v[j] * w[k] - v[k] * w[j]).conjugate()
