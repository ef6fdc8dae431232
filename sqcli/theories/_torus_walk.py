"""Kernel of independent configurations of two-dimensional U(N) and SU(N): a walk on the group that closes on the torus.

In the gauge where all links are 1 but those of U_0 at y > 0 or x = X − 1, and of U_1 at y = Y − 1, plaquettes take
X_0 = U_1(0, Y − 1) = D step by step, X_t = P_t X_{t−1}, through X_{xY} = U_1(x, Y − 1) to X_V = a D a⁻¹, a the loop of
the links U_0 at y = 0. So D, diagonal by a gauge transformation, has the density T_V(α, α) of class functions (see
`_class_sums.py`), plaquettes are free but that X_V has to have the eigenvalues of D, and a is drawn, given X_{V−1},
with the last plaquette.

D: T_V(α, α) |Δ(α)|² = Σ_l c_l^V |det e^{i α_i (l_j + N − j)}|² is a mixture. The walk: V − k steps are drawn freely
and kept with the probability T_k(α′, α)/max T_k, for k = V/2, V/4, …, 1 steps that are left, each time from the state
that was kept last; that takes about (V/k)^{rank/2} trials of k steps at any coupling.
"""

import math

import numpy as np

from sqcli.lattice.jit import jit, kernel
from sqcli.theories._aligned import aligned
from sqcli.theories._class_sums import determinant, fill_powers, largest, remembered, returning
from sqcli.theories._matrices import multiply, multiply_adjoint
from sqcli.theories._plaquette_cells import TURN, conjugated, eigenvalues, uniforms
from sqcli.theories._spectrum import diagonalise


@jit(forceinline=True)
def closed(n, special, exponents, shares, signs, origin, ladder, turns, state, key, angles):
    """Draw the eigenvalues of a closed walk, of the density Σ_l c_l^V |det z_i^{e_j}|²."""
    bound = float(n) ** n  # of |det|², by Hadamard
    while True:
        chosen, decision = uniforms(state, key)
        l = 0  # noqa: E741
        while shares[l] <= chosen and l < shares.size - 1:
            l += 1  # noqa: E741
        rest = 0.0
        for i in range(n):
            angles[i] = TURN * uniforms(state, key)[0]
            if special and i == n - 1:
                angles[i] = -rest
            rest += angles[i]
        fill_powers(angles, n, origin, ladder, turns)
        found = determinant(ladder, n, exponents, l)
        if decision * bound >= found.real**2 + found.imag**2:
            continue
        whole, signed, below = 0.0, 0.0, 0.0
        for each in range(shares.size):
            found = determinant(ladder, n, exponents, each)
            part = (shares[each] - below) * (found.real**2 + found.imag**2)
            whole, signed, below = whole + part, signed + part * signs[each], shares[each]
        if uniforms(state, key)[0] * whole < signed:
            return


@jit(forceinline=True)
def orthonormal(u, n, special):
    """Make columns orthonormal one after the other, the last one of SU(N), N ≤ 3, by determinant 1, in place."""
    for j in range(n):
        if special and j == n - 1:
            if n == 2:
                u[0, 1], u[1, 1] = -u[1, 0].conjugate(), u[0, 0].conjugate()
            else:
                for i in range(3):
                    k, m = (i + 1) % 3, (i + 2) % 3
                    u[i, 2] = (u[k, 0] * u[m, 1] - u[m, 0] * u[k, 1]).conjugate()
            return
        for _ in range(2):  # twice is enough (Giraud et al., Numer. Math. 101 (2005) 87)
            for k in range(j):
                overlap = 0j
                for i in range(n):
                    overlap += u[i, k].conjugate() * u[i, j]
                for i in range(n):
                    u[i, j] -= overlap * u[i, k]
            square = 0.0
            for i in range(n):
                square += u[i, j].real ** 2 + u[i, j].imag ** 2
            for i in range(n):
                u[i, j] *= 1.0 / math.sqrt(square)


@jit(forceinline=True)
def gauge(normals, n, special, g):
    """Turn N(0, 1) numbers into matrices of Haar's measure, site by site: orthonormal columns of Gaussian ones."""
    at = 0
    for site in range(g.shape[0]):
        for i in range(n):
            for j in range(n):
                g[site, i, j] = complex(normals[at], normals[at + 1])
                at += 2
        orthonormal(g[site], n, special)


@jit(forceinline=True)
def links(walk, a, one, g, n, special, work, out):
    """Make the links (2, X, Y, N, N) of a walk and a gauge transformation; `one` is the identity."""
    long, wide = out.shape[1], out.shape[2]
    for x in range(long):
        for y in range(wide):
            here, right, up = x * wide + y, (x + 1) % long * wide + y, x * wide + (y + 1) % wide
            for mu in range(2):
                if mu == 0:
                    first, second, third = walk[(x + 1) * wide - y], walk[(x + 1) * wide], a if x == long - 1 else one
                else:
                    first, second, third = walk[x * wide] if y == wide - 1 else one, one, one
                multiply_adjoint(first, second, n, work[0])
                multiply(work[0], third, n, work[1])
                multiply(g[here], work[1], n, work[0])
                multiply_adjoint(work[0], g[up if mu else right], n, out[mu, x, y])
                orthonormal(out[mu, x, y], n, special)


@kernel(
    "void(complex128[:, :, :, :, :, ::1], float64[:, ::1], boolean, float64, float64[:, ::1], float64[::1], "
    "float64[::1], float64[::1], int64[::1], int64[:, ::1], int64[::1], float64[:, :, ::1], int64[:, ::1], "
    "int64[:, ::1], int64, int64, float64[::1], float64[::1])"
)
def configurations(
    out, rows, special, kappa, low, width, bound, below, guide, exponents, remaining, powers, first, last, origin,
    longest, shares, signs,
):  # fmt: skip
    """Turn N(0, 1) numbers, 2N² V and two for a key in a row, into links (draws, 2, X, Y, N, N)."""
    volume, n = out.shape[2] * out.shape[3], out.shape[4]
    work, frames = np.empty((6, n, n), np.complex128), np.empty((2, 3, 3), np.complex128)
    walk, g = np.empty((volume + 1, n, n), np.complex128), np.empty((volume, n, n), np.complex128)
    z, one, a = np.empty(n, np.complex128), np.empty((n, n), np.complex128), np.empty((n, n), np.complex128)
    matrix = np.empty((n, n))
    angles, there, places = np.empty(n), np.empty(n), np.empty((2, n))
    ladder = np.empty((n, longest), np.complex128)
    for i in range(n):
        for j in range(n):
            one[i, j] = complex(1.0 if i == j else 0.0, 0.0)
    turns, row = np.empty(powers.shape[2], np.complex128), np.empty(powers.shape[2], np.complex128)
    base, state, key = np.empty(exponents.shape[0], np.complex128), np.zeros(1, np.uint64), np.empty(2, np.uint64)
    for draw in range(out.shape[0]):
        normals = rows[draw]
        state[0] = np.uint64(0)
        for i in range(2):
            key[i] = np.float64(normals[normals.size - 2 + i]).view(np.uint64)
        closed(n, special, exponents, shares, signs, origin, ladder, turns, state, key, angles)
        remembered(angles, n, exponents, origin, ladder, turns, base, row)
        for i in range(n):
            for j in range(n):
                walk[0, i, j] = one[i, j] * complex(math.cos(angles[j]), math.sin(angles[j]))
        start = 0
        for level in range(remaining.size):
            size = min(0.5, 0.5 * math.sqrt(remaining[level] / (1.0 + abs(kappa))))
            most = largest(
                level, size, kappa < 0.0, angles, base, row, n, special, exponents, powers, first, last, origin, ladder,
                turns, places,
            )  # fmt: skip
            stop = volume - remaining[level]
            while True:
                for t in range(start, stop):
                    eigenvalues(n, special, kappa, low, width, bound, below, guide, state, key, z)
                    conjugated(z, n, state, key, frames, work[2])
                    multiply(work[2], walk[t], n, walk[t + 1])
                diagonalise(walk[stop], n, work, work[2], there)
                chance = returning(
                    level, there, base, row, n, exponents, powers, first, last, origin, ladder, turns
                )  # fmt: skip
                if uniforms(state, key)[0] * most < chance:
                    break
            start = stop
        for i in range(n):
            for j in range(n):
                matrix[i, j] = kappa * math.cos(angles[j] - there[i])
        aligned(matrix, n, state, key, frames, work[3])
        multiply(work[2], work[3], n, a)
        orthonormal(a, n, special)  # the last column's phase is any: it makes the determinant 1
        for i in range(n):
            for j in range(n):
                work[4, i, j] = a[i, j] * walk[0, j, j]
        multiply_adjoint(work[4], a, n, walk[volume])
        gauge(normals, n, special, g)
        links(walk, a, one, g, n, special, work, out[draw])
