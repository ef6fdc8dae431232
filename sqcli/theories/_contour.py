"""Exact results of one variable with a complex even action: ∫ f(z) e^{−S(z)} dz by quadrature on a rotated line.

The line z = e^{iα}x may be turned as long as no singularity and no growth of e^{−S} lies in between, which for
S = c₂z² + c₄z⁴ are all α with |arg c₄ + 4α| < π/2 (c₄ = 0: |arg c₂ + 2α| < π/2) around 0. The one with the least
∫ |e^{−S}|, where least cancels, is taken. The trapezoidal rule converges faster than any power of the step
there; it is refined until moments stand.
"""

import cmath
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.theories._quadrature import cumulants

Complex = NDArray[Any]
ORDERS = (0, 2, 4, 6, 8)
REACH = 60.0  # −log of what is left out, of the largest
ANGLES = 33  # that are tried
COARSE, MOST = 2**10, 2**20  # points of the rule
TOLERANCE, WORST = 1e-13, 1e-8  # relative, of what converges and of what rounding may spoil
EPSILON = float(np.finfo(float).eps)
HARMONICS = (1, 2, 3, 4)
References = dict[tuple[str, str | None], Any]


class Holomorphic(Hashable, Protocol):
    """Frozen dataclass with an even holomorphic action of one variable."""

    def potential(self, z: Any) -> Any:
        """Compute S(z), element by element."""

    def opening(self) -> tuple[float, float]:
        """Angles between which the line of integration may be turned, 0 among them or between them."""


@dataclass(frozen=True)
class Line:
    """Nodes z on a line with complex weights, which sum to 1, and log ∫ e^{−S}."""

    z: Complex
    weight: Complex
    log_z: complex

    def mean(self, values: Complex) -> complex:
        """Compute ⟨f⟩ of a holomorphic f given at the nodes, (n,)."""
        return complex(self.weight @ values)


@lru_cache(maxsize=64)
def line(theory: Holomorphic) -> Line:
    """Find nodes with which ⟨1⟩, ⟨z²⟩, … ⟨z⁸⟩ stand.

    Raises:
        UsageError: when the integrand oscillates too fast.
    """
    turn, before, points = cmath.exp(1j * _angle(theory)), np.zeros(len(ORDERS), complex), COARSE
    reach, least = support(theory.potential, turn)
    while points <= MOST:
        z = turn * (np.arange(points + 1) - points / 2) * (2 * reach / points)
        action = theory.potential(z)
        weight = np.exp(least - action) * turn * (2 * reach / points)
        terms = np.array([weight * z**n for n in ORDERS])
        found, rounding = terms.sum(axis=1), EPSILON * (np.abs(terms) * (8 + np.abs(action))).sum(axis=1)
        if (rounding > WORST * np.abs(found)).any():
            break
        if (np.abs(found - before) < TOLERANCE * np.abs(found) + rounding).all():
            return Line(z, weight / found[0], complex(np.log(found[0]) - least))
        before, points = found, 2 * points
    raise UsageError(f"{theory}: its integrand oscillates too fast for quadrature")


def _angle(theory: Holomorphic) -> float:
    """Find the turn of the line with the least ∫ |e^{−S}|, and so the least cancellation."""
    low, high = theory.opening()
    tried = low + (high - low) * (np.arange(ANGLES) + 0.5) / ANGLES
    return float(min(tried, key=lambda angle: _log_size(theory, cmath.exp(1j * angle))))


def _log_size(theory: Holomorphic, turn: complex) -> float:
    """Compute log ∫ |e^{−S}| on a line, roughly."""
    reach, least = support(theory.potential, turn)
    size = np.abs(np.exp(least - theory.potential(turn * np.linspace(-reach, reach, COARSE)))).mean()
    return float(np.log(reach * size) - least)


def support(potential: Callable[[Complex], Complex], turn: complex) -> tuple[float, float]:
    """Find how far |e^{−S}| matters on the line, and the least of Re S."""
    reach = 1e-3
    while True:
        values = potential(turn * np.linspace(0, reach, 4 * COARSE)).real
        if values[-1] - values.min() > REACH:
            return reach, float(values.min())
        reach *= 1.5


def references(theory: Holomorphic) -> References:
    """Compute expectation values under the names of the observables; all are holomorphic."""
    found = line(theory)
    m2, m4, m6, m8 = moments = [found.mean(found.z**n) for n in ORDERS[1:]]
    k2, *higher = kappa = cumulants(m2, m4, m6, m8)
    values: References = {
        ("magnetization", None): 0j, ("chi2", None): m2, ("binder", None): 1 - m4 / (3 * m2**2),
        ("action", None): found.mean(theory.potential(found.z)), ("field_squared", None): m2,
        ("field_squared_variance", None): m4 - m2**2,
    }  # fmt: skip
    orders = ("2", "4", "6", "8")
    values |= {("moments", n): value for n, value in zip(orders, moments, strict=True)}
    values |= {("cumulants", n): value for n, value in zip(orders, kappa, strict=True)}
    values |= {("harmonics", str(k)): found.mean(np.exp(1j * k * found.z)) for k in HARMONICS}
    ratios = zip(orders[1:], higher, (2, 3, 4), strict=True)
    return values | {("cumulant_ratios", n): value / k2**power for n, value, power in ratios}


@lru_cache(maxsize=64)
def bounds(theory: Holomorphic) -> References:
    """Compute ∫ |O e^{−S}| dx/|Z| on the real line, which no |⟨O⟩| is larger than, for moments and harmonics."""
    reach, least = support(theory.potential, 1)
    x = np.linspace(-reach, reach, COARSE * 4 + 1)
    weight = np.exp(least - theory.potential(x + 0j).real) * (x[1] - x[0])
    weight *= np.exp(-least - line(theory).log_z.real)
    found: References = {("moments", str(n)): float(weight @ x**n) for n in ORDERS[1:]}
    return found | {("harmonics", str(k)): float(weight.sum()) for k in HARMONICS}


def opening_of(second: complex, fourth: complex) -> tuple[float, float]:
    """Angles between which the line may be turned for S = c₂z² + c₄z⁴: where the highest power keeps Re S → ∞."""
    power, leading = (4, fourth) if fourth else (2, second)
    middle = -cmath.phase(leading) / power
    return middle - math.pi / (2 * power), middle + math.pi / (2 * power)
