"""Free plaquettes of U(N) and SU(N), N ≤ 3: independent matrices of the density e^{β Re tr U/N}, by rejection.

A matrix is a set of eigenvalues e^{iα}, of density w = Π_{i<j} |e^{iα_i} − e^{iα_j}|² e^{κ Σ cos α_i}, κ = β/N, turned
by Haar's measure (H. Weyl, The Classical Groups, 1939). The torus of the angles is cut into cells, the finer the more
of w they hold; on each of them w has a bound by that of its factors on intervals, which is what candidates come from.
"""

import math
from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.jit import jit
from sqcli.lattice.philox import DRAW, philox, uniform

Array = NDArray[np.float64]
TURN = 2 * math.pi
CELLS = (1, 1024, 8192, 32768)  # no cell holds more than one part in so many, by the number of free angles
U = np.uint64


class Cells(NamedTuple):
    """Bound of w as a function that is constant on cells.

    Attributes:
        low: lowest corners, (c, free angles).
        width: of the cells, (c,).
        bound: of log w, (c,).
        below: share of the bound's integral in all cells up to each, (c,).
        guide: cell in which the share i/c is reached, (c,).
    """

    low: Array
    width: Array
    bound: Array
    below: Array
    guide: NDArray[np.int64]


@lru_cache(maxsize=8)
def cells(n: int, special: bool, kappa: float) -> Cells:
    """Cut the torus, in halves of every edge, until no cell holds too much."""
    rank = n - special
    low, width = np.full((1, rank), -math.pi), np.full(1, TURN)
    corners = np.array(list(product((0.0, 0.5), repeat=rank)))
    while True:
        bound = _bounds(low, low + width[:, None], special, kappa)
        mass = np.exp(bound - bound.max()) * width**rank
        large = mass > mass.sum() / CELLS[rank]
        if not large.any():
            break
        parts = (low[large, None] + width[large, None, None] * corners).reshape(-1, rank)
        low = np.concatenate([low[~large], parts])
        width = np.concatenate([width[~large], np.repeat(width[large] / 2, len(corners))])
    below = np.cumsum(mass) / mass.sum()
    return Cells(low, width, bound, below, np.searchsorted(below, np.arange(len(below)) / len(below), "right"))


def _bounds(low: Array, high: Array, special: bool, kappa: float) -> Array:
    """Bound log w on boxes (c, free angles) by the largest values of its factors, (c,)."""
    if special:
        low = np.concatenate([low, -high.sum(axis=1, keepdims=True)], axis=1)
        high = np.concatenate([high, -low[:, :-1].sum(axis=1, keepdims=True)], axis=1)
    found = abs(kappa) * _largest_cosine(low, high, 0.0 if kappa > 0 else math.pi).sum(axis=1)
    for i, j in combinations(range(low.shape[1]), 2):  # |e^{ia} − e^{ib}|² = 2 − 2 cos(a − b)
        found += np.log(2 + 2 * _largest_cosine(low[:, i] - high[:, j], high[:, i] - low[:, j], math.pi))
    return np.asarray(found)


def _largest_cosine(low: Array, high: Array, peak: float) -> Array:
    """Find the largest value of cos(x − peak) for low ≤ x ≤ high."""
    top = np.floor((high - peak) / TURN) * TURN + peak >= low
    return np.where(top, 1.0, np.maximum(np.cos(low - peak), np.cos(high - peak)))


@jit
def uniforms(state, key):
    """Draw two numbers in [0, 1); state[0] counts the pairs."""
    index = state[0]
    state[0] = index + U(1)
    one, two = philox(index, U(0), DRAW, key)
    return uniform(one), uniform(two)


@jit(forceinline=True)
def unit(turns):
    """Compute e^{2πi turns}."""
    return complex(math.cos(TURN * turns), math.sin(TURN * turns))


@jit(forceinline=True)
def eigenvalues(n, special, kappa, low, width, bound, below, guide, state, key, z):
    """Draw N eigenvalues of the density w."""
    rank = n - 1 if special else n
    while True:
        chosen, decision = uniforms(state, key)
        cell = guide[np.int64(chosen * guide.size)]
        while below[cell] <= chosen and cell < below.size - 1:
            cell += 1
        size, last, traces, spread = width[cell], 0.0, 0.0, 1.0
        one, two = uniforms(state, key)
        for i in range(n):
            if i < rank:
                if i == 2:
                    one, two = uniforms(state, key)
                angle = low[cell, i] + size * (two if i == 1 else one)
                last -= angle
            else:
                angle = last
            z[i] = complex(math.cos(angle), math.sin(angle))
            traces += z[i].real
            for j in range(i):
                spread *= (z[i].real - z[j].real) ** 2 + (z[i].imag - z[j].imag) ** 2
        if decision * math.exp(bound[cell] - kappa * traces) < spread:
            return


@jit(forceinline=True)
def frame(v, first, second):
    """Complete a unit vector of C³ to an orthonormal basis."""
    rest = math.sqrt(v[1].real ** 2 + v[1].imag ** 2 + v[2].real ** 2 + v[2].imag ** 2)
    if rest < 1e-150:
        first[0], first[1], first[2] = 0j, 1.0 + 0j, 0j
        second[0], second[1], second[2] = 0j, 0j, 1.0 + 0j
        return
    first[0], first[1], first[2] = 0j, -v[2].conjugate() / rest, v[1].conjugate() / rest
    turned = v[0].conjugate() / rest
    second[0], second[1], second[2] = complex(rest, 0.0), -turned * v[1], -turned * v[2]


@jit(forceinline=True)
def conjugated(z, n, state, key, work, out):
    """Turn diag(z) by Haar's measure: z_N 1 + Σ_j (z_j − z_N) v_j v_j†, v_j orthonormal and uniform."""
    for i in range(n):
        for j in range(n):
            out[i, j] = z[n - 1] * (1.0 if i == j else 0.0)
    if n == 1:
        return
    v = work[0, 0]
    one, two = uniforms(state, key)
    if n == 2:
        v[0], v[1] = complex(math.sqrt(one), 0.0), math.sqrt(1.0 - one) * unit(two)
        add(z[0] - z[1], v, n, out)
        return
    three, four = uniforms(state, key)
    five, six = uniforms(state, key)
    left = math.sqrt(one)
    v[0] = complex(math.sqrt(1.0 - left), 0.0)
    v[1], v[2] = math.sqrt(left * two) * unit(three), math.sqrt(left * (1.0 - two)) * unit(four)
    add(z[0] - z[2], v, n, out)
    frame(v, work[0, 1], work[0, 2])
    a, b = complex(math.sqrt(five), 0.0), math.sqrt(1.0 - five) * unit(six)
    for i in range(n):
        v[i] = a * work[0, 1, i] + b * work[0, 2, i]
    add(z[1] - z[2], v, n, out)


@jit(forceinline=True)
def add(factor, v, n, out):
    """Add factor · v v†."""
    for i in range(n):
        for j in range(n):
            out[i, j] += factor * v[i] * v[j].conjugate()
