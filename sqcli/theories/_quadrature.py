"""Exact results of one real variable with an even action S(x), by quadrature.

Moments and Z come from Gauss–Legendre panels between the least and the largest x > 0 where the density e^{−S}/Z is
above e^{−90} of its maximum, twice as many until log Z stands.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError

Array = NDArray[np.float64]
N = TypeVar("N", float, complex)
PANELS, NODES, MOST_PANELS = 256, 16, 2**14
POINTS, MOST_POINTS = 384, 2**16  # of a trapezoidal rule over the whole line
TOLERANCE = 1e-12  # of log Z
CELLS = 20000  # of the grid on which the support is looked for
REACH = 90.0  # S − min S at the end of the support


class Potential(Hashable, Protocol):
    """Frozen dataclass with an even action of one variable."""

    def potential(self, x: Any) -> Any:
        """Compute S(x), element by element, for NumPy arrays and torch tensors."""


@dataclass(frozen=True)
class Quadrature:
    """Quadrature of one theory: nodes x > 0 with the probabilities of ±x together.

    Attributes:
        start: least x > 0 that matters; 0 where the centre does.
        reach: largest x that matters.
        points: intervals of the trapezoidal rule on [−reach, reach] that gives log Z.
        least: min S.
        lowest: where S is least, x ≥ 0.
        x: nodes, (n,), increasing.
        weight: probabilities, which sum to 1.
        log_z: log ∫ e^{−S} dx.
    """

    start: float
    reach: float
    points: int
    least: float
    lowest: float
    x: Array
    weight: Array
    log_z: float

    def mean(self, values: Array) -> float:
        """Compute ⟨f⟩ of an even f given at the nodes, (n,)."""
        return float(self.weight @ values)


@lru_cache(maxsize=64)
def quadrature(theory: Potential) -> Quadrature:
    """Find the quadrature of `theory`.

    Raises:
        UsageError: when the action varies too fast for it.
    """
    start, reach, least, lowest = _support(theory.potential)
    before, panels = np.inf, PANELS
    tolerance = TOLERANCE + 8 * np.finfo(float).eps * abs(least)  # what rounding of S allows
    while panels <= MOST_PANELS:
        x, weight = _panels(start, reach, panels)
        weight *= 2 * np.exp(least - theory.potential(x))
        total = float(weight.sum())
        if abs(np.log(total) - before) < tolerance:
            points = _points(theory, reach, least, total)
            return Quadrature(start, reach, points, least, lowest, x, weight / total, float(np.log(total) - least))
        before, panels = float(np.log(total)), 2 * panels
    raise UsageError(f"{theory}: its wells are too narrow to be integrated")


def _panels(start: float, reach: float, panels: int) -> tuple[Array, Array]:
    """Lay out nodes and weights of the Gauss–Legendre rule on `panels` panels of [start, reach]."""
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    half = (reach - start) / panels / 2
    x = start + half * (2 * np.arange(panels)[:, None] + 1 + nodes)
    return x.ravel(), np.tile(half * shares, panels)


def _points(theory: Potential, reach: float, least: float, total: float) -> int:
    """Find the number of intervals with which the trapezoidal rule gives ∫ e^{least − S} = `total`."""
    points = POINTS
    while points < MOST_POINTS:
        x = np.linspace(-reach, reach, points + 1)
        if abs(np.exp(least - theory.potential(x)).sum() * (x[1] - x[0]) / total - 1) < 10 * TOLERANCE:
            break
        points *= 2
    return points


def _support(potential: Callable[[Array], Array]) -> tuple[float, float, float, float]:
    """Find (start, reach, min S, where): double an interval until S has risen by REACH, then cut what is empty."""
    low, high = 0.0, 1e-6
    while True:
        values = potential(np.linspace(0, high, CELLS + 1))
        if values[-1] - values.min() > REACH:
            break
        high *= 2
    for _ in range(2):  # the second time on a finer grid
        x = np.linspace(low, high, CELLS + 1)
        values = potential(x)
        inside = np.flatnonzero(values - values.min() < REACH)
        low, high = float(x[max(inside[0] - 1, 0)]), float(x[min(inside[-1] + 1, CELLS)])
    return low, high, float(values.min()), float(x[values.argmin()])


def cumulants(m2: N, m4: N, m6: N, m8: N) -> tuple[N, N, N, N]:
    """Compute κ₂, κ₄, κ₆, κ₈ of an even distribution from its moments (2410.21212)."""
    sixth = m6 - 15 * m4 * m2 + 30 * m2**3
    eighth = m8 - 28 * m6 * m2 - 35 * m4**2 + 420 * m4 * m2**2 - 630 * m2**4
    return m2, m4 - 3 * m2**2, sixth, eighth


@lru_cache(maxsize=64)
def references(theory: Potential) -> dict[tuple[str, str | None], float]:
    """Compute expectation values under the names of the observables."""
    found = quadrature(theory)
    m2, m4, m6, m8 = moments = [found.mean(found.x**n) for n in (2, 4, 6, 8)]
    k2, *higher = kappa = cumulants(m2, m4, m6, m8)
    size = found.mean(found.x)
    single = {
        "magnetization": 0.0, "abs_magnetization": size, "mean_abs_field": size, "chi2": m2, "chi2_abs": m2 - size**2,
        "binder": 1 - m4 / (3 * m2**2), "action": found.mean(theory.potential(found.x)), "field_squared": m2,
        "field_squared_variance": m4 - m2**2,
    }  # fmt: skip
    values: dict[tuple[str, str | None], float] = {(name, None): value for name, value in single.items()}
    orders = ("2", "4", "6", "8")
    values |= {("moments", n): value for n, value in zip(orders, moments, strict=True)}
    values |= {("cumulants", n): value for n, value in zip(orders, kappa, strict=True)}
    ratios = zip(orders[1:], higher, (2, 3, 4), strict=True)
    return values | {("cumulant_ratios", n): value / k2**power for n, value, power in ratios}


@lru_cache(maxsize=16)
def transport(theory: Potential) -> tuple[Array, Array]:
    """Tabulate points (z, x), z ≥ 0, of the increasing map that takes N(0, 1) to e^{−S}/Z; linear in between."""
    from scipy.special import ndtri

    found = quadrature(theory)
    edges = np.linspace(found.start, found.reach, 2**17 + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    ends, centre = np.exp(found.least - theory.potential(edges)), np.exp(found.least - theory.potential(middle))
    cells = (ends[1:] + ends[:-1] + 4 * centre) / 6  # Simpson
    above = np.append(np.cumsum(cells[::-1])[::-1], 0.0)
    kept = above > 0
    return -ndtri(above[kept] / (2 * above[0])), edges[kept]
