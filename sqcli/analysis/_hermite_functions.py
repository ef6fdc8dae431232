"""Double expansion in Hermite functions of ∂_x(N_x ∂_xP − K_xP) + ∂_y(N_y ∂_yP − K_yP) = 0, K = −S′ (1306.3075).

P(x, y) = Σ c_kl ψ_k(x/a) ψ_l(y/b) with the orthonormal ψ_k(u) ∝ H_k(u) e^{−u²/2}. On these x and ∂_x act as the sum and
the difference of ladder operators, so that the equation for c_kl has a band matrix; P(−x, −y) = P(x, y) leaves even
k + l. Cut off, the matrix has an eigenvalue near 0, that of P. The paper has one scale and N_y > 0 for convergence; two
scales, so that the last functions reach as far as P does, make real noise converge as well.
"""

from collections.abc import Iterator
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis._box import Box
from sqcli.errors import UsageError

Array = NDArray[np.float64]
EXTRA = 4  # functions beyond the cut-off, so that products of up to four operators are right below it
ITERATIONS = 100


def functions(number: int, u: Array) -> Array:
    """Compute ψ_k(u), k < number, (number, n)."""
    found = np.zeros((number, u.size))
    found[0] = np.exp(-(u**2) / 2) / np.pi**0.25
    for k in range(1, number):
        found[k] = np.sqrt(2 / k) * u * found[k - 1] - np.sqrt((k - 1) / k) * found[k - 2]
    return found


def coefficients(box: Box, noise_imag: float, sizes: tuple[int, int], scales: tuple[float, float]) -> Array:
    """Solve for c_kl up to a factor, of the shape `sizes`, with scales (a, b).

    Raises:
        UsageError: when the cut-off is too low to tell P from the rest.
    """
    from scipy import sparse

    total = np.add(*np.indices(sizes))  # k + l
    even = np.flatnonzero(total.ravel() % 2 == 0)
    kept = (
        sparse.kron(p.tocsr()[: sizes[0], : sizes[0]], q.tocsr()[: sizes[1], : sizes[1]], format="csr")
        for p, q in _terms(box, noise_imag, *(_ladder(n, s) for n, s in zip(sizes, scales, strict=True)))
    )
    matrix: Any = sum(kept)
    found = np.zeros(sizes)
    found.reshape(-1)[even] = _kernel(matrix[even][:, even].tocsc())
    return found


def _ladder(number: int, scale: float) -> tuple[Any, Any]:
    """Build x and ∂_x on EXTRA more functions than `number`."""
    from scipy import sparse

    lower = sparse.diags(np.sqrt(np.arange(1, number + EXTRA) / 2), 1, format="csr")
    return scale * (lower + lower.T), (lower - lower.T) / scale


def _terms(box: Box, noise_imag: float, in_x: tuple[Any, Any], in_y: tuple[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the operator as products of a factor in x and one in y.

    The binomial series of z^n has c_n z^n = Σ_j binom(n, j) c_n i^j x^{n−j} y^j, whose real part is in −K_x.
    """
    (x, dx), (y, dy) = in_x, in_y
    yield (1 + noise_imag) * dx @ dx, y**0
    yield x**0, noise_imag * dy @ dy
    for n, coupling in ((1, box.sigma0), (3, box.fourth)):
        for j in range(n + 1):
            factor = comb(n, j) * coupling * (1, 1j, -1, -1j)[j]
            yield factor.real * dx @ x ** (n - j), y**j
            yield factor.imag * x ** (n - j), dy @ y**j


def _kernel(matrix: Any) -> Array:
    """Find the eigenvector of the eigenvalue next to 0 by inverse iteration from the first function."""
    from scipy.sparse.linalg import splu

    inverse, vector = splu(matrix), np.zeros(matrix.shape[0])
    vector[0] = 1.0
    for _ in range(ITERATIONS):
        before, vector = vector, inverse.solve(vector)
        vector /= np.linalg.norm(vector) * np.sign(vector @ before)
        if np.abs(vector - before).max() < 1e-12:
            return np.asarray(vector)
    raise UsageError(f"no eigenvalue is next to 0 among {matrix.shape[0]} Hermite functions: give more of them")
