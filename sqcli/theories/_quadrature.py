"""Exact results of one real variable with an even action S(x), by quadrature.

Moments and Z come from Gauss–Legendre panels on [0, R]; the density e^{−S}/Z is below e^{−90} of its maximum beyond R.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PANELS, NODES = 256, 16
REACH = 90.0  # S − min S at the end of the support


class Potential(Hashable, Protocol):
    """A frozen dataclass with an even action of one variable."""

    def potential(self, x: Any) -> Any:
        """S(x), element by element, for NumPy arrays and torch tensors."""


@dataclass(frozen=True)
class Table:
    """Nodes x > 0 with the probabilities of ±x together.

    Attributes:
        reach: R.
        least: min S.
        lowest: where S is least, x ≥ 0.
        x: nodes, (PANELS·NODES,), panel by panel.
        weight: probabilities, which sum to 1.
        log_z: log ∫ e^{−S} dx.
    """

    reach: float
    least: float
    lowest: float
    x: Array
    weight: Array
    log_z: float

    def mean(self, values: Array) -> float:
        """⟨f⟩ of an even f given at the nodes."""
        return float(self.weight @ values)


@lru_cache(maxsize=64)
def table(theory: Potential) -> Table:
    """The quadrature of `theory`."""
    reach, least, lowest = _support(theory.potential)
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    half = reach / PANELS / 2
    x = (half * (2 * np.arange(PANELS)[:, None] + 1 + nodes)).ravel()
    weight = np.tile(half * shares, PANELS) * np.exp(least - theory.potential(x))
    total = 2 * weight.sum()
    return Table(reach, least, lowest, x, 2 * weight / total, float(np.log(total) - least))


def _support(potential: Callable[[Array], Array]) -> tuple[float, float, float]:
    """(R, min S, where): the interval is doubled until S has risen by REACH at its end, then cut to where it has."""
    reach = 1e-6
    while True:
        x = np.linspace(0, reach, 20001)
        values = potential(x)
        inside = np.flatnonzero(values - values.min() < REACH)[-1]
        if inside < len(x) - 1 and values[-1] - values.min() > REACH:
            break
        reach *= 2
    reach = float(x[inside + 1])
    x = np.linspace(0, reach, 20001)
    values = potential(x)
    return reach, float(values.min()), float(x[values.argmin()])


def cumulants(m2: float, m4: float, m6: float, m8: float) -> tuple[float, float, float, float]:
    """κ₂, κ₄, κ₆, κ₈ of an even distribution (2410.21212)."""
    sixth = m6 - 15 * m4 * m2 + 30 * m2**3
    eighth = m8 - 28 * m6 * m2 - 35 * m4**2 + 420 * m4 * m2**2 - 630 * m2**4
    return m2, m4 - 3 * m2**2, sixth, eighth


@lru_cache(maxsize=64)
def references(theory: Potential) -> dict[tuple[str, str | None], float]:
    """Expectation values under the names of the observables."""
    found = table(theory)
    m2, m4, m6, m8 = moments = [found.mean(found.x**n) for n in (2, 4, 6, 8)]
    k2, *higher = kappa = cumulants(m2, m4, m6, m8)
    size = found.mean(found.x)
    single = {
        "magnetization": 0.0, "abs_magnetization": size, "mean_abs_field": size, "chi2": m2, "chi2_abs": m2 - size**2,
        "binder": 1 - m4 / (3 * m2**2), "action": found.mean(theory.potential(found.x)), "field_squared": m2,
    }  # fmt: skip
    values: dict[tuple[str, str | None], float] = {(name, None): value for name, value in single.items()}
    orders = ("2", "4", "6", "8")
    values |= {("moments", n): value for n, value in zip(orders, moments, strict=True)}
    values |= {("cumulants", n): value for n, value in zip(orders, kappa, strict=True)}
    ratios = zip(orders[1:], higher, (2, 3, 4), strict=True)
    return values | {("cumulant_ratios", n): value / k2**power for n, value, power in ratios}


@lru_cache(maxsize=16)
def transport(theory: Potential) -> tuple[Array, Array]:
    """Points (z, x), z ≥ 0, of the increasing map that takes N(0, 1) to e^{−S}/Z; linear in between."""
    from scipy.special import ndtri

    found = table(theory)
    edges = np.linspace(0, found.reach, 2**17 + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    ends, centre = np.exp(found.least - theory.potential(edges)), np.exp(found.least - theory.potential(middle))
    cells = (ends[1:] + ends[:-1] + 4 * centre) / 6  # Simpson
    above = np.append(np.cumsum(cells[::-1])[::-1], 0.0)
    kept = above > 0
    return -ndtri(above[kept] / (2 * above[0])), edges[kept]
