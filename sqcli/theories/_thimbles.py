"""Lefschetz thimbles of a theory of one complex variable: ∫ dx e^{−S} as a sum over critical points.

At a critical point z_k, S′(z_k) = 0, two curves with constant Im S cross: the thimble J_k, on which Re S grows both
ways (dz/dτ = conj S′), and the dual thimble K_k, on which it falls (dz/dτ = −conj S′). The line of integration is
equivalent to Σ n_k J_k, where n_k counts how often K_k crosses it, with signs.
"""

import cmath
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.theories import _contour
from sqcli.theories._steepest import SteepestCurves

if TYPE_CHECKING:
    from sqcli.theories._holomorphic import HolomorphicVariable

Complex = NDArray[Any]
Function = Callable[[Complex], Any]
REACH = 60.0  # Re S − Re S_k at the ends of a thimble; how far a dual one is followed below min Re S on the real line
NODES = 24  # of the Gauss–Legendre rule on a chord


@dataclass(frozen=True, eq=False)
class Thimble:
    """Critical point of a theory with its thimble, its dual thimble and the integral along the thimble.

    Attributes:
        theory: theory of one complex variable.
        point: critical point z_k.
        action: S_k = S(z_k).
        number: intersection number n_k of the dual thimble with the line of integration.
        curve: points of the thimble from end to end, rightwards at z_k.
        dual: points of the dual thimble from end to end, at z_k turned by +90° against the thimble.
        error: largest |Im S − Im S_k| at these points.
    """

    theory: "HolomorphicVariable"
    point: complex
    action: complex
    number: int
    curve: Complex
    dual: Complex
    error: float

    def integral(self, function: Function = np.ones_like) -> complex:
        """Compute ∫ f(z) e^{S_k − S} dz along the thimble; f is holomorphic, so that chords do for the curve."""
        nodes, shares = np.polynomial.legendre.leggauss(NODES)
        half = np.diff(self.curve)[:, None] / 2
        z = self.curve[:-1, None] + half * (1 + nodes)
        return complex((half * shares * function(z) * np.exp(self.action - self.theory.potential(z))).sum())

    @property
    def partition(self) -> complex:
        """Z_k = ∫ e^{−S} dz along the thimble."""
        return self.integral() * cmath.exp(-self.action)

    @property
    def saddle(self) -> complex:
        """Estimate of Z_k by the Gaussian at z_k, √(2π/S″_k) e^{−S_k}, with the root along the thimble.

        For S = az² + bz⁴ it says |Z_±/Z_0| ≈ e^{Re a²/4b}/√2 (2411.11297 eq. 46, without 1/√2 and with b² for b).
        """
        return cmath.sqrt(2 * np.pi) * _tangent(self.theory, self.point) * cmath.exp(-self.action)

    def mean(self, function: Function) -> complex:
        """Compute ⟨f⟩ on this thimble alone."""
        return self.integral(function) / self.integral()


@lru_cache(maxsize=256)
def thimbles(theory: "HolomorphicVariable") -> tuple[Thimble, ...]:
    """Find the thimbles of all critical points, in their order.

    Raises:
        UsageError: on a Stokes line, where a thimble that counts ends at another critical point, and where critical
            points coincide.
    """
    curves = SteepestCurves.of(theory)
    least = _least_on_the_line(theory)
    found: dict[complex, Thimble] = {}
    for point in sorted(curves.points, key=lambda z: complex(theory.potential(z)).real):
        found[point] = _thimble(curves, point, least, found)
    return tuple(found[point] for point in curves.points)


def _thimble(curves: SteepestCurves, point: complex, least: float, lower: dict[complex, Thimble]) -> Thimble:
    """Follow the curves from a critical point; `least` is min Re S on the real line, `lower` has smaller Re S."""
    theory = curves.theory
    action, tangent = complex(theory.potential(point)), _tangent(theory, point)
    depth = max(0.0, action.real - least) + REACH
    curve, _ = curves.both_ways(point, tangent, REACH)
    dual, met = curves.both_ways(point, 1j * tangent, -depth)
    # Re S is less at the ends than anywhere on the real line, so that all crossings are in between
    before, after = (_side(theory, point, *end, lower) for end in zip((dual[0], dual[-1]), met, strict=True))
    error = np.abs(theory.potential(np.concatenate([curve, dual])).imag - action.imag).max()
    return Thimble(theory, point, action, (after - before) // 2, curve, dual, float(error))


def _side(
    theory: "HolomorphicVariable", point: complex, end: complex, met: complex | None, lower: dict[complex, Thimble]
) -> int:
    """Say on which side of the real line the dual thimble of `point` ends, ±1.

    Where it runs into another critical point it goes on along that one's dual thimble. Which way does not matter
    if this does not cross the line.
    """
    if met is not None:
        if lower[met].number:
            raise UsageError(
                f"{theory} is on a Stokes line: steepest descent from the critical point {point:.6g} ends at "
                f"another, {met:.6g}, so that intersection numbers are not defined; change a parameter a little"
            )
        end = complex(lower[met].dual[-1])
    return 1 if end.imag > 0 else -1


def _tangent(theory: "HolomorphicVariable", point: complex) -> complex:
    """Compute 1/√S″ at a critical point, with the root that points to the right, or upwards: along the thimble."""
    root = 1 / cmath.sqrt(complex(theory.curvature(point)))
    return -root if (root.real, root.imag) < (0, 0) else root


def _least_on_the_line(theory: "HolomorphicVariable") -> float:
    """Compute min Re S on the line of integration, roughly."""
    if turn := theory.manifold.period:
        return float(theory.potential(np.linspace(0, turn, 4001)).real.min())
    return _contour.support(theory.potential, 1)[1]


def thimble_weights(theory: "HolomorphicVariable") -> Complex:
    """Compute n_k Z_k/Z of each thimble, complex; they sum to 1.

    Raises:
        UsageError: where `thimbles` does.
    """
    shares = _shares(theory, np.ones_like)
    return np.asarray(shares / shares.sum())


def thimble_mean(theory: "HolomorphicVariable", function: Function) -> complex:
    """Compute ⟨f⟩ of a holomorphic function from all thimbles."""
    return complex(_shares(theory, function).sum() / _shares(theory, np.ones_like).sum())


def missing_weight(theory: "HolomorphicVariable") -> float:
    """Compute Σ |n_k Z_k/Z| over all thimbles but that of z = 0: what a process that stays on that one leaves out."""
    others = [abs(thimble.point) > 0 for thimble in thimbles(theory)]
    return float(np.abs(thimble_weights(theory)[others]).sum())


def _shares(theory: "HolomorphicVariable", function: Function) -> Complex:
    """Compute n_k ∫ f e^{−S} along each thimble, up to a common factor that keeps the largest finite."""
    counted = [thimble for thimble in thimbles(theory) if thimble.number]
    least = min((thimble.action.real for thimble in counted), default=0.0)
    return np.array(
        [
            thimble.number * thimble.integral(function) * cmath.exp(least - thimble.action) if thimble.number else 0j
            for thimble in thimbles(theory)
        ]
    )
