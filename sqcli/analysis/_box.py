"""Box that holds the stationary distribution of complex Langevin, S = ½σ₀z² + ¼λz⁴ with σ₀ = A + iB.

With real noise and real λ the process keeps to a strip |y| < y₋. Its drift K = −S′ has K_y = −Ay − Bx − λ(3x²y − y³),
which at y > 0 is largest at x = −B/6λy, where it vanishes for 12λ²y⁴ − 12λAy² + B² = 0; between the two roots no path
moves away from the real axis (1306.3075). Where there is no strip, or with noise in y, P falls as a power.
"""

import math
from dataclasses import dataclass
from typing import Any

from sqcli.errors import UsageError
from sqcli.theories import PolynomialPotential

FALL = 40.0  # of −log P along the real axis, at the end of the box


@dataclass(frozen=True)
class Box:
    """Couplings of a theory, and |x| < `width`, |y| < `height` that hold P."""

    sigma0: complex
    fourth: complex
    width: float
    height: float

    def drift(self, x: Any, y: Any) -> Any:
        """Compute K = −S′ at z = x + iy."""
        z = x + 1j * y
        return -(self.sigma0 + self.fourth * z**2) * z


def couplings(theory: Any) -> tuple[complex, complex]:
    """Return (σ₀, λ) of S = ½σ₀z² + ¼λz⁴.

    Raises:
        UsageError: when the action is no such polynomial.
    """
    if not isinstance(theory, PolynomialPotential):
        raise UsageError(
            f"{type(theory).__name__} has no action c2 z^2 + c4 z^4, for which the stationary distribution is known"
        )
    square, fourth = theory.terms()
    return complex(2 * square), complex(4 * fourth)


def strip(theory: Any) -> Box:
    """Find the strip of `theory` under real noise; its height is y₋, from which on P is 0.

    Raises:
        UsageError: where there is none.
    """
    sigma0, fourth = couplings(theory)
    real, imag, lam = sigma0.real, sigma0.imag, fourth.real
    if fourth.imag or lam <= 0:
        raise UsageError(f"{theory}: complex Langevin keeps to a strip only where the quartic term is real, and not 0")
    if real <= 0 or imag**2 >= 3 * real**2:
        raise UsageError(f"{theory}: complex Langevin keeps to a strip only where A > 0 and B^2 < 3 A^2")
    if not imag:
        raise UsageError(f"{theory}: the action is real, and so are the draws")
    square = imag**2 / (6 * real * lam * (1 + math.sqrt(1 - imag**2 / (3 * real**2))))
    return Box(sigma0, fourth, _reach(real - 3 * lam * square, lam), math.sqrt(square))


def plane(theory: Any, extent: tuple[float, float] | None) -> Box:
    """Lay out a box of the half-widths `extent`; None: a square that holds all but the tails.

    Raises:
        UsageError: when the action does not grow along the real axis as z⁴ does, or the box is empty.
    """
    sigma0, fourth = couplings(theory)
    if fourth.real <= 0:
        raise UsageError(f"{theory}: the quartic term must have a positive real part")
    width, height = extent or (_reach(sigma0.real, fourth.real),) * 2
    if not (width > 0 and height > 0):
        raise UsageError(f"extent {width}, {height}: both must be positive")
    return Box(sigma0, fourth, width, height)


def _reach(curvature: float, fourth: float) -> float:
    """Find x > 0 where ½ curvature x² + ¼ fourth x⁴ is FALL."""
    return math.sqrt((math.hypot(curvature, 2 * math.sqrt(fourth * FALL)) - curvature) / fourth)
