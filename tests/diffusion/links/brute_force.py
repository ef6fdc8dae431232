"""Heat kernels of U(N) and SU(N) by sums that the program does not use, in 80 digits: characters, and all windings."""

from itertools import combinations, product

import mpmath as mp

mp.mp.dps = 80


def character_sum(n, special, theta, t):
    """Σ_λ d_λ χ_λ(θ) e^{−t C_λ/2}, with characters as quotients of determinants."""
    z = [mp.expj(x) for x in theta]
    below = mp.mpf(1)
    for i, j in combinations(range(n), 2):
        below *= z[i] - z[j]
    total = mp.mpf(0)
    for rows in _rows(n, special, t):
        exponents = [rows[i] + n - 1 - i for i in range(n)]
        dimension = mp.mpf(1)
        for i, j in combinations(range(n), 2):
            dimension *= mp.mpf(exponents[i] - exponents[j]) / (j - i)
        above = mp.det(mp.matrix([[x**e for e in exponents] for x in z]))
        total += dimension * mp.re(above / below) * mp.exp(-t * _casimir(rows, n, special) / 2)
    return total


def _rows(n, special, t):
    most = int(mp.sqrt(2 * 80 / t)) + 2
    ranges = [range(2 * most + 1)] * (n - 1) + [[0]] if special else [range(-most, most + 1)] * n
    for rows in product(*ranges):
        if list(rows) == sorted(rows, reverse=True) and t * _casimir(rows, n, special) / 2 < 70:
            yield rows


def _casimir(rows, n, special):
    whole = mp.mpf(sum(row * (row + n - 1 - 2 * i) for i, row in enumerate(rows))) / 2
    return whole - special * mp.mpf(sum(rows)) ** 2 / (2 * n)


def winding_sum(n, special, theta, t, most=3):
    """Σ over windings of the Gaussian with its Jacobian; normalised by short times, K → Vol/(2πt)^{dim/2}."""
    total = mp.mpf(0)
    for turns in product(range(-most, most + 1), repeat=n):
        if special and sum(turns):
            continue
        phi = [x + 2 * mp.pi * k for x, k in zip(theta, turns, strict=True)]
        term = mp.exp(-sum(p * p for p in phi) / t)
        for i, j in combinations(range(n), 2):
            term *= (phi[i] - phi[j]) / (2 * mp.sin((phi[i] - phi[j]) / 2))
        total += term
    dimension = n * n - special
    return (
        _volume(n, special)
        * mp.exp(t * n * (n * n - 1) / mp.mpf(48))
        / (2 * mp.pi * t) ** (mp.mpf(dimension) / 2)
        * total
    )


def _volume(n, special):
    """Volume of the group for tr T_a T_b = ½ δ_ab: spheres of radius √2 k-dimensional in turn (Macdonald 1980)."""
    whole = mp.mpf(2) ** (mp.mpf(n * n) / 2) * (2 * mp.pi) ** (mp.mpf(n * (n + 1)) / 2)
    for k in range(1, n):
        whole /= mp.factorial(k)
    return whole / (2 * mp.pi * mp.sqrt(2 * n)) * n if special else whole


def gradient(log_k, theta):
    """∂ log K/∂θ_i by differences of 1e-20."""
    step = mp.mpf(10) ** -20
    found = []
    for i in range(len(theta)):
        up, down = ([x + s * step * (i == k) for k, x in enumerate(theta)] for s in (1, -1))
        found.append((log_k(up) - log_k(down)) / (2 * step))
    return found
