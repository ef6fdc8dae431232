"""Character coefficients of the Wilson plaquette weight of U(N) and SU(N), from determinants in whole numbers.

e^{β Re tr U/N} = Σ_r λ_r χ_r(U), with λ_r = det_{ij} I_{l_i − i + j}(β/N) for highest weights l₁ ≥ … ≥ l_N of U(N), and
λ_r = Σ_q λ_{l+q}, l_N = 0, for SU(N), where Σ_q det^q U fixes the determinant (Migdal, Sov. Phys. JETP 42 (1975) 413;
Drouffe and Zuber, Phys. Rep. 102 (1983) 1). At weak coupling the terms of a determinant cancel to about
(β/N)^{−N(N−1)/2} of their size, so that Bessel functions and determinants are whole numbers of as many bits as that
takes; ratios λ_r/λ_0 are right to the last bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb, cos, log, log2, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEFT_OUT = 38.0  # −log of the first (λ_r/d_r λ_0)^V that is left out
SHIFTED_OUT = 45.0  # −log of the first λ_{l+q}/λ_l that is left out
SPARE_BITS = 128
MOST_SHIFTS, MOST_VALUES = 20_000, 2_000_000  # of coefficients that are computed
HUGE = 1e9  # β/N, where there would be more in any case


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of all representations with l₁ − l_N up to a bound.

    Attributes:
        weights: highest weights with l_N = 0, (m, N), the trivial one first.
        dimensions: d_r by Weyl's formula, (m, 1).
        shifts: whole numbers q, increasing, (k,); (0,) for SU(N), where l and l + q are one representation.
        values: λ_{l+q}/λ_0, (m, k).
        log_first: log λ_0 e^{−|β|}.
    """

    weights: NDArray[np.int64]
    dimensions: Array
    shifts: NDArray[np.int64]
    values: Array
    log_first: float

    @property
    def normalised(self) -> Array:
        """Compute c_r = λ_r/(d_r λ_0), (m, k); |c_r| ≤ 1."""
        return self.values / self.dimensions


@lru_cache(maxsize=32)
def coefficients(n: int, special: bool, beta: float, volume: int) -> Coefficients:
    """Compute what matters to `volume` plaquettes of U(n), or of SU(n) where `special`.

    A representation with l₁ − l_N = b has c_r of at most about (I_{b/2}/I_0)², I of β/N; b goes up to where the V-th
    power of this is e^{−38}, and q to where (I_q/I_0)^N is e^{−45}.
    """
    from scipy.special import ive

    x = abs(Fraction(beta)) / n
    spread = 2 * reach(float(x), LEFT_OUT / (2 * volume)) if n > 1 else 0
    # SU(N), N odd, does not hold −1: at β < 0 terms e^{Nx} add up to e^{Nx cos(π/N)}
    cancelled = float(x) * n * (1 - cos(pi / n)) if special and n % 2 and beta < 0 else 0.0
    most = reach(float(x), (SHIFTED_OUT + cancelled) / n)
    weights, shifts = _weights(n, spread), np.arange(-most - spread, most + 1)
    bessel = _bessel(x, most + spread + n, SPARE_BITS + int(n**2 * log2(2 + x) + cancelled / log(2)))
    orders = weights[:, :, None] + np.arange(n) - np.arange(n)[:, None]
    numbers = np.stack([_determinants(bessel[np.abs(orders + q)]) for q in shifts], axis=1)
    if beta < 0:  # I_n is odd for odd n
        numbers = numbers * np.where((weights.sum(axis=1)[:, None] + n * shifts) % 2, -1, 1).astype(object)
    if special:
        numbers, shifts = numbers.sum(axis=1, keepdims=True), np.zeros(1, np.int64)
    first = numbers[0, np.flatnonzero(shifts == 0)[0]]
    values = (numbers / first).astype(np.float64)
    log_first = log(first / bessel[0] ** n) + n * log(ive(0, float(x)))
    return Coefficients(weights, _dimensions(weights)[:, None], shifts, values, log_first)


def feasible(n: int, beta: float, volume: int) -> bool:
    """Tell whether `coefficients` takes seconds at most: at huge couplings too many of them matter."""
    x = abs(beta) / n
    if x > HUGE:
        return False
    spread = 2 * reach(x, LEFT_OUT / (2 * volume)) if n > 1 else 0
    shifts = 2 * (reach(x, SHIFTED_OUT / n) + spread)
    return shifts < MOST_SHIFTS and comb(spread + n - 1, n - 1) * shifts < MOST_VALUES


def reach(x: float, decay: float) -> int:
    """Find n ≥ 1 with I_n(x)/I_0(x) < e^{−decay}, by I_k/I_{k−1} < e^{−arsinh((k − ½)/x)} (Amos, 1974)."""
    halves = np.arange(2 + int(1.2 * decay + (2.4 * x * decay) ** 0.5)) + 0.5
    return 1 + int(np.searchsorted(np.cumsum(np.arcsinh(halves / max(x, 1e-300))), decay))


def _weights(n: int, spread: int) -> NDArray[np.int64]:
    """List the highest weights l₁ ≥ … ≥ l_n = 0 with l₁ ≤ spread, (m, n), the trivial one first."""
    strict = list(combinations(range(spread + n - 1, 0, -1), n - 1))[::-1]
    padded = np.pad(np.array(strict, np.int64).reshape(len(strict), n - 1), ((0, 0), (0, 1)))
    return np.asarray(padded - np.arange(n)[::-1])


def _dimensions(weights: NDArray[np.int64]) -> Array:
    """Compute d_r = Π_{i<j} (1 + (l_i − l_j)/(j − i)), (m, N) -> (m,)."""
    i, j = np.triu_indices(weights.shape[1], 1)
    return np.asarray(np.prod(1 + (weights[:, i] - weights[:, j]) / (j - i), axis=1))


def _bessel(x: Fraction, most: int, bits: int) -> NDArray[Any]:
    """Compute whole numbers proportional to I_0(x) … I_most(x), right to `bits` bits, by backward recurrence."""
    if not x:
        return np.array([1] + most * [0], dtype=object)
    above, here, found = 0, 1 << 64, []
    for k in range(most + reach(float(x), bits * log(2)), 0, -1):
        above, here = here, above + 2 * k * here * x.denominator // x.numerator
        found.append(here)
    return np.array(found[: -most - 2 : -1], dtype=object)


def _determinants(matrices: NDArray[Any]) -> NDArray[Any]:
    """Compute determinants without division, by the minors of the first rows, (m, N, N) -> (m,)."""
    size = matrices.shape[1]
    minors: dict[tuple[int, ...], Any] = {(): 1}
    for row in range(size):
        minors = {
            columns: sum(
                (-1) ** (row + at) * matrices[:, row, column] * minors[columns[:at] + columns[at + 1 :]]
                for at, column in enumerate(columns)
            )
            for columns in combinations(range(size), row + 1)
        }
    return np.asarray(minors[tuple(range(size))])


def boxes_added(weights: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """List (row of r, row of s, q) for all s in r ⊗ fundamental: l_r with a box added is l_s shifted by q."""
    rows = [tuple(row) for row in weights.tolist()]
    index = {row: k for k, row in enumerate(rows)}
    for k, row in enumerate(rows):
        for i, length in enumerate(row):
            shift = int(i == len(row) - 1)
            added = tuple(value + (j == i) - shift for j, value in enumerate(row))
            if (i == 0 or row[i - 1] > length) and added in index:
                yield k, index[added], shift
