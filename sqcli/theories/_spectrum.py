"""Eigenvalues and eigenvectors of small unitary matrices in compiled kernels, by Jacobi rotations.

X and X† commute, so that the Hermitian matrix (e^{−iζ} X + e^{iζ} X†)/2 has the eigenvectors of X, unless two of its
eigenvalues cos(α − ζ) agree; then another ζ is tried.
"""

import math

from sqcli.lattice.jit import jit
from sqcli.theories._matrices import adjoint_multiply, multiply

SWEEPS, TRIES, CLEAN, NOTHING = 20, 8, 1e-12, 1e-100  # the square of a smaller number has lost its digits


@jit(forceinline=True)
def rotate(h, w, n, p, q):
    """Bring h_pq to 0 by a rotation of columns and rows p, q; w collects the rotations."""
    size = abs(h[p, q])
    if size < NOTHING:
        return
    across = h[p, q] / size
    turn = 0.5 * math.atan2(2.0 * size, (h[q, q] - h[p, p]).real)
    c, s = math.cos(turn), math.sin(turn)
    for i in range(n):
        a, b = h[i, p] * across, h[i, q]
        h[i, p], h[i, q] = c * a - s * b, s * a + c * b
        a, b = w[i, p] * across, w[i, q]
        w[i, p], w[i, q] = c * a - s * b, s * a + c * b
    for i in range(n):
        a, b = h[p, i] * across.conjugate(), h[q, i]
        h[p, i], h[q, i] = c * a - s * b, s * a + c * b


@jit(forceinline=True)
def apart(m, n):
    """Sum the squares of what is off the diagonal."""
    total = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                total += m[i, j].real ** 2 + m[i, j].imag ** 2
    return total


@jit(forceinline=True)
def diagonalise(x, n, work, vectors, angles):
    """Compute angles α_i and eigenvectors, the columns of `vectors`, of a unitary x."""
    h, product = work[0], work[1]
    for attempt in range(TRIES):
        turn = complex(math.cos(0.6 + 1.1 * attempt), math.sin(0.6 + 1.1 * attempt))
        for i in range(n):
            for j in range(n):
                h[i, j] = 0.5 * (turn.conjugate() * x[i, j] + turn * x[j, i].conjugate())
                vectors[i, j] = complex(1.0 if i == j else 0.0, 0.0)
        for _ in range(SWEEPS):
            if apart(h, n) < 1e-32:
                break
            for p in range(n):
                for q in range(p + 1, n):
                    rotate(h, vectors, n, p, q)
        multiply(x, vectors, n, product)
        adjoint_multiply(vectors, product, n, h)
        if apart(h, n) < CLEAN * CLEAN:
            break
    for i in range(n):
        angles[i] = math.atan2(h[i, i].imag, h[i, i].real)
