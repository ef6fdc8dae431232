"""Probability to come back: T_k(α′, α) = Σ_r c_r^k χ_r(α′) χ_r*(α), of U(N) and SU(N), N ≤ 3, in kernels.

A product of k free plaquettes (density f/λ_0 of Haar's measure, c_r = λ_r/(d_r λ_0)) takes a matrix with the
eigenvalues e^{iα′} to one with e^{iα} with that density, of the measure of class functions. Characters are quotients of
determinants, χ_l = det z_i^{l_j + N − j} / det z_i^{N − j} (Weyl).

Walks are kept with the probability T_k/max T_k. The largest value is looked for by climbing from where it can be, and
raised by a margin; a test holds it against states at random.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.jit import jit
from sqcli.theories._characters import coefficients

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
COUNTS = 1e-17  # c_r^k d_r² below this of the largest never count
MARGIN = 1.05  # of the largest value over what a search of its place finds


class Sums(NamedTuple):
    """Coefficients of the sums.

    Attributes:
        exponents: l_j + N − j, (m, N).
        remaining: numbers k, decreasing to 1, (levels,).
        powers: c_r^k of the shifts of every l, (levels, m, shifts).
        first, last: range of the shifts that count, (levels, m).
        origin: the first shift.
        longest: how many powers of an eigenvalue there are.
        shares: moduli of Σ_shifts c_r^V for every l, as shares, added up, (m,).
        signs: signs of these, (m,).
    """

    exponents: Integers
    remaining: Integers
    powers: Array
    first: Integers
    last: Integers
    origin: int
    longest: int
    shares: Array
    signs: Array


@lru_cache(maxsize=8)
def sums(n: int, special: bool, beta: float, volume: int) -> Sums:
    """Tabulate them for tori of `volume` plaquettes, of which `volume` // 2, // 4, …, 1 are to come."""
    table = coefficients(n, special, beta, 1)
    remaining = [volume // 2**k for k in range(1, volume.bit_length())]
    powers = np.stack([table.normalised**k for k in remaining])
    sizes = np.abs(powers) * table.dimensions**2
    count = sizes > COUNTS * sizes.max(axis=(1, 2), keepdims=True)
    first = np.where(count.any(axis=2), count.argmax(axis=2), 0)
    last = np.where(count.any(axis=2), count.shape[2] - count[:, :, ::-1].argmax(axis=2), 0)
    weights = (table.normalised**volume).sum(axis=1)
    shares = np.cumsum(np.abs(weights)) / np.abs(weights).sum()
    exponents = table.weights + np.arange(n)[::-1]
    origin, longest = int(table.shifts[0]), max(2, int(exponents.max()) + 1)
    return Sums(exponents, np.array(remaining), powers, first, last, origin, longest, shares, np.sign(weights))


@jit(forceinline=True)
def fill_powers(angles, n, origin, ladder, turns):
    """Tabulate e^{i e α_i}, e = 0, 1, …, and e^{i q Σα} from q = origin on; returns Π_{i<j} (z_i − z_j)."""
    total = 0.0
    for i in range(n):
        z, power = complex(math.cos(angles[i]), math.sin(angles[i])), 1.0 + 0j
        total += angles[i]
        for e in range(ladder.shape[1]):
            ladder[i, e] = power
            power *= z
    z, power = complex(math.cos(total), math.sin(total)), complex(math.cos(origin * total), math.sin(origin * total))
    for q in range(turns.size):
        turns[q] = power
        power *= z
    product = 1.0 + 0j
    for i in range(n):
        for j in range(i + 1, n):
            product *= ladder[i, 1] - ladder[j, 1]
    return product


@jit(forceinline=True)
def determinant(ladder, n, exponents, l):  # noqa: E741
    """Compute det z_i^{e_j}, the last e_j being 0."""
    if n == 1:
        return 1.0 + 0j
    a = exponents[l, 0]
    if n == 2:
        return ladder[0, a] - ladder[1, a]
    b = exponents[l, 1]
    x, y, z = ladder[0, b], ladder[1, b], ladder[2, b]
    return ladder[0, a] * (y - z) - ladder[1, a] * (x - z) + ladder[2, a] * (x - y)


@jit(forceinline=True)
def returning(level, angles, base, rows, n, exponents, powers, first, last, origin, ladder, turns):
    """Compute T_k(α′, α) at α′ = `angles`; `base` holds χ_l*(α), (m,), and e^{−iqΣα}, (shifts,), in `rows`."""
    product = fill_powers(angles, n, origin, ladder, turns)
    for q in range(turns.size):
        turns[q] *= rows[q]
    found = 0j
    for l in range(exponents.shape[0]):  # noqa: E741
        start, stop = first[level, l], last[level, l]
        if stop > start:
            shifted = 0j
            for q in range(start, stop):
                shifted += powers[level, l, q] * turns[q]
            found += shifted * base[l] * determinant(ladder, n, exponents, l)
    return (found / product).real


@jit(forceinline=True)
def remembered(angles, n, exponents, origin, ladder, turns, base, rows):
    """Fill `base` and `rows` for `returning`."""
    product = fill_powers(angles, n, origin, ladder, turns)
    for l in range(exponents.shape[0]):  # noqa: E741
        base[l] = (determinant(ladder, n, exponents, l) / product).conjugate()
    for q in range(turns.size):
        rows[q] = turns[q].conjugate()


@jit(forceinline=True)
def climbed(
    level, width, place, trial, base, rows, n, special, exponents, powers, first, last, origin, ladder, turns,
):  # fmt: skip
    """Find the largest value of T_k next to `place`, which moves there, by steps along the angles."""
    rank = n - 1 if special else n
    best = returning(level, place, base, rows, n, exponents, powers, first, last, origin, ladder, turns)
    step = width
    while step > 0.05 * width:
        moved = False
        for axis in range(rank):
            for sign in (-1.0, 1.0):
                for i in range(n):
                    trial[i] = place[i]
                trial[axis] += sign * step
                if special:
                    trial[n - 1] -= sign * step
                value = returning(level, trial, base, rows, n, exponents, powers, first, last, origin, ladder, turns)
                if value > best:
                    best, moved = value, True
                    for i in range(n):
                        place[i] = trial[i]
        if not moved:
            step *= 0.5
    return best


@jit(forceinline=True)
def begin(start, angles, width, n, special, place):
    """Set out for the largest value: from α or from next to 1, times −1 or an element of the centre of SU(N)."""
    parts = n if special else 2
    for i in range(n):
        nearby = angles[i] if start < parts else 0.02 * width * (i - 0.5 * (n - 1))
        place[i] = nearby + 2.0 * math.pi * start / parts
    return start + 1 < 2 * parts


@jit(forceinline=True)
def largest(
    level, width, everywhere, angles, base, rows, n, special, exponents, powers, first, last, origin, ladder, turns,
    places,
):  # fmt: skip
    """Find the largest value of T_k(α′, α) by climbing `everywhere`, or from the two highest of some states α′."""
    top, second, chosen, other, start, more = -1.0, -1.0, 0, 0, 0, True
    while more:
        more = begin(start, angles, width, n, special, places[0])
        value = returning(level, places[0], base, rows, n, exponents, powers, first, last, origin, ladder, turns)
        if value > top:
            second, other, top, chosen = top, chosen, value, start
        elif value > second:
            second, other = value, start
        start += 1
    best, start, more = 0.0, 0, True
    while more:
        more = begin(start, angles, width, n, special, places[0])
        if everywhere or start in (chosen, other):
            best = max(best, climbed(
                level, width, places[0], places[1], base, rows, n, special, exponents, powers, first, last, origin,
                ladder, turns,
            ))  # fmt: skip
        start += 1
    return MARGIN * best
