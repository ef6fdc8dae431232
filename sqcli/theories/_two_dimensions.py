"""Exact results of U(N) and SU(N) gauge theory in two dimensions, on a torus of V plaquettes.

S = β Σ_□ (1 − Re tr U_□/N). With e^{β Re tr U/N} = Σ_r d_r c_r χ_r(U), links between plaquettes integrate out one after
the other: Z = Σ_r c_r^V, since ∫ da db χ_r(aba⁻¹b⁻¹) = 1/d_r (Migdal, Sov. Phys. JETP 42 (1975) 413; Gross and Witten,
Phys. Rev. D 21 (1980) 446; Drouffe and Zuber, Phys. Rep. 102 (1983) 1). Every result comes with a bound of its error.
"""

import math
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sqcli.theories._characters import Array, Coefficients, boxes_added, coefficients, feasible

EPSILON = float(np.finfo(float).eps)
LONGEST = 4  # side of the loops of `references`
PLANE = 10**6  # plaquettes of a torus that is as good as a plane


class Bounded(NamedTuple):
    """A number and a bound of its absolute error, from truncation and rounding."""

    value: float
    error: float


def references(n: int, special: bool, beta: float, extents: tuple[int, ...]) -> dict[tuple[str, str | None], float]:
    """Compute plaquette, action per site, log Z and the r×t loops that fit on the torus, by observable and component.

    At couplings so large that this would take too long there are none.
    """
    short, long = sorted(extents)
    if not feasible(n, beta, short * long):
        return {}
    sides = product(range(1, LONGEST + 1), repeat=2)
    sizes = [(r, t) for r, t in sides if min(r, t) <= short and max(r, t) <= long]
    of_area = {a: wilson_loop(n, special, beta, short * long, a).value for a in {r * t for r, t in sizes}}
    return {
        ("plaquette", None): of_area[1],
        ("action", None): beta * (1 - of_area[1]),
        ("log_z", None): log_partition(n, special, beta, short * long),
        **{("wilson_loop", f"{r}x{t}"): of_area[r * t] for r, t in sizes},
    }


def log_partition(n: int, special: bool, beta: float, volume: int) -> float:
    """Compute log Z, Z = ∫ dU e^{−S} with Haar's measure of total 1 on each link."""
    table = coefficients(n, special, beta, volume)
    total = float((table.normalised**volume).sum())
    return volume * (table.log_first + abs(beta) - beta) + math.log(total)


def wilson_loop(n: int, special: bool, beta: float, volume: int, area: int) -> Bounded:
    """Compute ⟨tr W/N⟩ of an R×T loop, area A = RT, R and T not above the extents; A = 1 gives (1/V) ∂log Z/∂β.

    W = Σ_r Σ_{s in r ⊗ fundamental} (d_s/(N d_r)) c_r^{V−A} c_s^A / Z: the disc of area A gives Σ_s d_s c_s^A χ_s, the
    torus without it Σ_r c_r^{V−A} χ_r/d_r. The same holds where R or T is the extent and the loop meets itself.
    """
    table = coefficients(n, special, beta, volume)
    c = table.normalised
    r, s, shift = _pairs(n, special, beta, volume)
    shifted = c if special else np.pad(c[:, 1:], ((0, 0), (0, 1)))
    other = np.where(shift[:, None] == 1, shifted[s], c[s])
    share = table.dimensions[s] / (n * table.dimensions[r])
    terms = share * c[r] ** (volume - area) * other**area
    total = (c**volume).sum()
    rounding = EPSILON * (2 * volume + 8) * np.abs(terms).sum() / total
    return Bounded(float(terms.sum() / total), float(rounding + n * _left_out(table, volume)))


def coupling_limits(n: int, special: bool, beta: float, dimension: int) -> tuple[float, float]:
    """Compute leading terms of the plaquette in D dimensions, at strong and at weak coupling.

    Strong: u = c_f of one plaquette, right to O(u⁵), and the value of the infinite plane. Weak: 1 − dim G/(Dβ), as each
    of the (D − 1) dim G transverse degrees of freedom of a site has the mean action ½ (β > 0).
    """
    generators = n * n - special
    weak = 1 - generators / (dimension * beta) if beta > 0 else -math.inf
    strong = wilson_loop(n, special, beta, PLANE, 1).value if feasible(n, beta, PLANE) else math.nan
    return strong, weak


def charge_squared(n: int, beta: float, volume: int) -> Bounded:
    """Compute ⟨Q²⟩ = −∂² log Z(ϑ)/∂ϑ² at ϑ = 0 of U(n), Q = Σ_□ arg det U_□/2π with arg in (−π, π]; V ≥ 3.

    The weight of a plaquette gets the factor e^{iϑx/2π}, x = arg det U. A factor det^k U shifts weights by k, so
    that c_r′ and c_r″ follow from x = Σ_{k≠0} (−1)^{k+1} e^{ikx}/(ik) and x² = π²/3 + 2 Σ_{k≠0} (−1)^k e^{ikx}/k²
    (U(1): 2502.05504; U(N): Bonati and Rossi, Phys. Rev. D 99 (2019) 054503).
    """
    if not feasible(n, beta, volume - 2):
        return _smooth_charge_squared(n, beta, volume)
    table = coefficients(n, False, beta, volume - 2)
    c = table.normalised
    k = np.arange(1 - c.shape[1], c.shape[1])
    sign, safe = np.where(k % 2, -1.0, 1.0), np.where(k == 0, 1, k)
    first = np.where(k == 0, 0.0, -sign / safe) / (2 * np.pi)
    second = np.where(k == 0, np.pi**2 / 3, 2 * sign / safe**2) / (4 * np.pi**2)
    slope, bend = _convolved(c, first), _convolved(c, second)
    once, twice = volume * c ** (volume - 1), volume * (volume - 1) * c ** (volume - 2)
    total = (c**volume).sum()
    value = (once * bend - twice * slope**2).sum() / total
    slope_terms, bend_terms = (_convolved(np.abs(c), np.abs(kernel)) for kernel in (first, second))
    size = (np.abs(once) * bend_terms + 2 * np.abs(twice * slope) * slope_terms).sum() / total
    rounding = EPSILON * (2 * volume + 8) * size
    return Bounded(float(value), float(rounding + volume**2 * _left_out(table, volume - 2)))


def _smooth_charge_squared(n: int, beta: float, volume: int) -> Bounded:
    """Compute ⟨Q²⟩ where fields are smooth, P(Q) ∝ e^{−2π²β Q²/(N²V)}, right to O(1/β)."""
    variance = n * n * volume / (4 * math.pi**2 * abs(beta))
    q = np.arange(-1 - int(10 * variance**0.5), 2 + int(10 * variance**0.5))
    weight = np.exp(-(q**2) / (2 * variance))
    value = float((q**2 * weight).sum() / weight.sum())
    return Bounded(value, value * n * n / abs(beta))


def _convolved(c: Array, kernel: Array) -> Array:
    """Compute Σ_k kernel_k c_{q−k} along rows, kernel of k = 1 − m … m − 1, (rows, m) -> (rows, m)."""
    return np.stack([np.convolve(kernel, row, "valid") for row in c])


@lru_cache(maxsize=32)
def _pairs(n: int, special: bool, beta: float, volume: int) -> NDArray[np.int64]:
    """Tabulate `boxes_added` of the coefficients, (3, pairs)."""
    return np.array(list(boxes_added(coefficients(n, special, beta, volume).weights))).T


def _left_out(table: Coefficients, volume: int) -> float:
    """Estimate Σ |c_r|^V/Z of what is left out, and of what borders on it, from the last two shells l₁ = b − 1, b.

    Shells fall faster than a geometric series.
    """
    powers = np.abs(table.normalised) ** volume
    first = table.weights[:, 0]
    last, before = (powers[first == first.max() - k].sum() for k in (0, 1))
    if first.max() == 0 or last == 0:
        return 0.0
    return float(last / max(1 - last / before, EPSILON) / powers.sum())
