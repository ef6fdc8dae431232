"""Small complex matrices in compiled kernels: products, the exponential, and the way back to the group.

A matrix of a link is 2N² planes of real numbers, row by row, each entry's real part before its imaginary part. The
exponential is a Taylor series of a matrix halved until its norm is below ½, then squared.
"""

import math

import numpy as np

from sqcli.lattice.jit import jit

TWO = np.uint64(2)
TERMS = 12  # of the exponential's series: ½^13/13! is below the rounding of float64


@jit(forceinline=True)
def load(f, at, stride, n, out):
    """Read the link whose first entry is f[at]."""
    for i in range(n):
        for j in range(n):
            out[i, j] = complex(f[at], f[at + stride])
            at += TWO * stride


@jit(forceinline=True)
def store(f, at, stride, n, link):
    """Write a link."""
    for i in range(n):
        for j in range(n):
            f[at], f[at + stride] = link[i, j].real, link[i, j].imag
            at += TWO * stride


@jit(forceinline=True)
def clear(n, out):
    """Make a matrix zero; `out[:, :] = 0j` would make numba compile its error texts."""
    for i in range(n):
        for j in range(n):
            out[i, j] = 0j


@jit(forceinline=True)
def copy(a, n, out):
    """Copy a matrix; the assignment of slices would be compiled with all its errors, which takes seconds."""
    for i in range(n):
        for j in range(n):
            out[i, j] = a[i, j]


@jit(forceinline=True)
def multiply(a, b, n, out):
    """Compute a b."""
    for i in range(n):
        for j in range(n):
            total = 0j
            for k in range(n):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@jit(forceinline=True)
def multiply_adjoint(a, b, n, out):
    """Compute a b†."""
    for i in range(n):
        for j in range(n):
            total = 0j
            for k in range(n):
                total += a[i, k] * b[j, k].conjugate()
            out[i, j] = total


@jit(forceinline=True)
def adjoint_multiply(a, b, n, out):
    """Compute a† b."""
    for i in range(n):
        for j in range(n):
            total = 0j
            for k in range(n):
                total += a[k, i].conjugate() * b[k, j]
            out[i, j] = total


@jit(forceinline=True)
def exponential(x, n, work, out):
    """Compute e^x, x anti-Hermitian, by squaring e^{x/2^s}; x is overwritten."""
    square = 0.0
    for i in range(n):
        for j in range(n):
            square += x[i, j].real ** 2 + x[i, j].imag ** 2
    halvings = 0
    while square > 0.25 and halvings < 60:
        square *= 0.25
        halvings += 1
    factor = 0.5**halvings
    for i in range(n):
        for j in range(n):
            x[i, j] *= factor
            out[i, j] = complex(1.0 if i == j else 0.0, 0.0)
    term, product = work[0], work[1]
    for order in range(TERMS, 0, -1):  # Horner: 1 + x (1 + x/2 (1 + x/3 (…)))
        multiply(x, out, n, product)
        for i in range(n):
            for j in range(n):
                out[i, j] = product[i, j] / order + (1.0 if i == j else 0.0)
    for _ in range(halvings):
        copy(out, n, term)
        multiply(term, term, n, out)


@jit(forceinline=True)
def purified(link, n, special, work):
    """Bring a link that rounding has moved back to the group: U ← U (3 − U†U)/2, then det U to 1."""
    product, correction = work[0], work[1]
    adjoint_multiply(link, link, n, product)
    for i in range(n):
        for j in range(n):
            product[i, j] = (3.0 if i == j else 0.0) * 0.5 - 0.5 * product[i, j]
    multiply(link, product, n, correction)
    copy(correction, n, link)
    if special:
        turn = determinant_angle(link, n, work) / n
        phase = complex(math.cos(turn), -math.sin(turn))
        for i in range(n):
            for j in range(n):
                link[i, j] *= phase


@jit(forceinline=True)
def determinant_angle(link, n, work):
    """Compute arg det by elimination with pivots."""
    m = work[0]
    copy(link, n, m)
    determinant = complex(1.0, 0.0)
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(m[i, k]) > abs(m[pivot, k]):
                pivot = i
        if pivot != k:
            determinant = -determinant
            for j in range(n):
                m[k, j], m[pivot, j] = m[pivot, j], m[k, j]
        determinant *= m[k, k]
        for i in range(k + 1, n):
            ratio = m[i, k] / m[k, k]
            for j in range(k, n):
                m[i, j] -= ratio * m[k, j]
    return math.atan2(determinant.imag, determinant.real)
