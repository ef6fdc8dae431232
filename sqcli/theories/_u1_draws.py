"""Independent configurations of two-dimensional U(1): plaquettes given the torus, Polyakov phases, gauge.

On the torus the plaquettes are independent but for Σθ_□ = 0 mod 2π. With S the sum of those drawn so far and m the
number of those to come, the next one has the density e^{β cos θ} g_m(S + θ), g_m = Σ_n I_n(β)^m cos n(S + θ) being the
m-fold convolution of e^{β cos θ}. Its distribution function is a sum over n of integrals known on knots; between two
knots it is a cubic. Two phases and the gauge transformation, Haar distributed, complete the links.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import jit, kernel

Array = NDArray[np.float64]
TURN = 2 * math.pi
SMALL = 1e-18  # weights below this of the largest never count
STEP = 0.02  # between knots, in standard deviations of a plaquette: the cubic errs by less than 1e−8
LARGEST = 1e6  # of |β|, for which the tables take 130 MB
ONE = np.uint64(1)


class Tables(NamedTuple):
    """Numbers for one |β|.

    Attributes:
        knots: angles, (k,).
        density: e^{|β| (cos θ − 1)} at the knots, normalised to a total of 1.
        even: ∫ density cos nθ from the first knot to each, (k, n).
        odd: likewise with sin nθ.
        ratios: I_n/I_0.
    """

    knots: Array
    density: Array
    even: Array
    odd: Array
    ratios: Array


@lru_cache(maxsize=4)
def tables(beta: float) -> Tables:
    """Integrate for |β| = `beta`, by five Gauss–Legendre points between two knots."""
    from scipy.special import ive

    ratios = ive(np.arange(60 + int(10 * beta**0.5)), beta) / ive(0, beta)
    ratios = ratios[ratios > SMALL]
    reach = math.acos(max(-1.0, 1 - 40 / beta)) if beta else math.pi
    knots = np.linspace(-reach, reach, 1 + math.ceil(2 * reach * (1 + beta) ** 0.5 / STEP))
    x, weight = np.polynomial.legendre.leggauss(5)
    angle = (knots[:-1, None] + knots[1:, None] + np.diff(knots)[:, None] * x) / 2
    mass = weight * np.exp(-2 * beta * np.sin(angle / 2) ** 2)
    total = mass.sum()
    even, odd = (np.zeros((len(knots), len(ratios))) for _ in range(2))
    for n in range(len(ratios)):
        even[1:, n] = (mass * np.cos(n * angle)).sum(axis=1).cumsum() / total
        odd[1:, n] = (mass * np.sin(n * angle)).sum(axis=1).cumsum() / total
    density = np.exp(-2 * beta * np.sin(knots / 2) ** 2) * 2 / ((knots[1] - knots[0]) * total)
    return Tables(knots, np.asarray(density, np.float64), even, odd, np.asarray(ratios, np.float64))


@jit
def coefficients(cosines, sines, ratios, power, total):
    """Compute those of g(θ) = Σ_n (cosines_n cos nθ − sines_n sin nθ); returns how many count."""
    cosines[0], sines[0] = 1.0, 0.0
    for n in range(ONE, np.uint64(ratios.size)):
        size = 2.0 * ratios[n] ** power
        if size < SMALL:
            return n
        cosines[n], sines[n] = size * math.cos(n * total), size * math.sin(n * total)
    return np.uint64(ratios.size)


@jit
def below(cosines, sines, count, even, odd):
    """Compute the distribution function, not normalised, from one row of the tables."""
    found = 0.0
    for n in range(count):
        found += cosines[n] * even[n] - sines[n] * odd[n]
    return found


@jit
def convolved(cosines, sines, count, angle):
    """Compute g at an angle."""
    found = 0.0
    for n in range(count):
        found += cosines[n] * math.cos(n * angle) - sines[n] * math.sin(n * angle)
    return found


@jit
def crossing(mass, first, last, wanted):
    """Find x in [0, 1] where the cubic from 0 to `mass` with these slopes is `wanted`, by Newton's method."""
    if mass <= 0.0:
        return 0.5
    x, y, a, b = wanted / mass, wanted / mass, first / mass, last / mass
    for _ in range(6):
        value = x * (a + x * (3.0 - 2.0 * a - b + x * (a + b - 2.0)))
        slope = a + x * (2.0 * (3.0 - 2.0 * a - b) + 3.0 * x * (a + b - 2.0))
        x = min(max(x - (value - y) / max(slope, 0.1), 0.0), 1.0)
    return x


@jit
def plaquette(uniform, cosines, sines, count, knots, density, even, odd):
    """Invert the distribution function of one plaquette."""
    low, high = ONE - ONE, np.uint64(knots.size) - ONE
    bottom, top = 0.0, below(cosines, sines, count, even[high], odd[high])
    wanted = uniform * top
    while high - low > ONE:
        middle = (low + high) // np.uint64(2)
        value = below(cosines, sines, count, even[middle], odd[middle])
        if value <= wanted:
            low, bottom = middle, value
        else:
            high, top = middle, value
    step = knots[high] - knots[low]
    first = step * density[low] * convolved(cosines, sines, count, knots[low])
    last = step * density[high] * convolved(cosines, sines, count, knots[high])
    return knots[low] + step * crossing(top - bottom, first, last, wanted - bottom)


@kernel("void(float64[:, ::1], float64, float64[::1], float64[::1], float64[:, ::1], float64[:, ::1], float64[::1])")
def constrained(rows, start, knots, density, even, odd, ratios):
    """Turn uniform numbers into plaquettes, in place; one more would bring their sum with `start` to 0 mod 2π."""
    cosines, sines = np.empty(ratios.size), np.empty(ratios.size)
    for row in rows:
        total = start
        for i in range(row.size):
            count = coefficients(cosines, sines, ratios, float(row.size - i), total)
            row[i] = plaquette(row[i], cosines, sines, count, knots, density, even, odd)
            total += row[i]


def configurations(beta: float, normals: Array, lattice: Lattice) -> Array:
    """Turn rows of 2V numbers N(0, 1) into configurations (n, 2, *extents): uniform numbers, by their distribution."""
    from scipy.special import ndtr

    uniforms = ndtr(normals.reshape(len(normals), 2 * lattice.volume))
    drawn, phases, gauge = np.split(uniforms, [lattice.volume - 1, lattice.volume + 1], axis=1)
    return links(plaquettes(beta, drawn), TURN * phases, TURN * gauge, lattice.extents)


def plaquettes(beta: float, uniforms: Array) -> Array:
    """Draw all plaquettes but the last of tori, from V − 1 uniform numbers each, (n, V − 1); |β| at most LARGEST."""
    drawn, turned = uniforms.copy(), math.pi if beta < 0 else 0.0  # β < 0 is β > 0 in θ + π
    constrained("float64")(drawn, turned * (uniforms.shape[1] + 1), *tables(abs(beta)))
    return drawn + turned


def links(drawn: Array, phases: Array, gauge: Array, extents: tuple[int, ...]) -> Array:
    """Make links of all plaquettes but the last, (n, V − 1), with constants on either direction and a gauge.

    Args:
        drawn: plaquettes (n, V − 1) in the order of sites.
        phases: constants (n, 2) added to the links of either direction.
        gauge: angles (n, V − 1) of a gauge transformation on all sites but the first.
        extents: of the lattice.

    Returns:
        Angles in (−π, π], (n, 2, *extents).
    """
    angle = np.pad(drawn, ((0, 0), (0, 1))).reshape(-1, *extents)
    turn = np.pad(gauge, ((0, 0), (1, 0))).reshape(-1, *extents)
    made = np.zeros((len(drawn), 2, *extents))
    made[:, 0, :, 1:] = -angle[:, :, :-1].cumsum(axis=2)
    closing = angle[:, :, -1] - made[:, 0, :, -1]
    made[:, 1, 1:, -1] = closing.cumsum(axis=1)[:, :-1]
    made += phases[:, :, None, None]
    made += np.stack([turn - np.roll(turn, -1, axis) for axis in (1, 2)], axis=1)
    return np.asarray(made - TURN * np.ceil(made / TURN - 0.5))
