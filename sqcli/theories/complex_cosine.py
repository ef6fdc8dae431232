"""Cosine with a complex weight: S = iβ cos x + ½ s x², where boundary terms of complex Langevin are seen (1808.05187).

At s = 0 the variable is an angle, and ⟨e^{ikx}⟩ = (−i)^k J_k(β)/J_0(β). Real noise moves to large |y| there, where the
distribution falls too slowly for the imaginary axis to have no edge: a process that goes wrong in a known way.
"""

import cmath
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.theories import _contour, _holomorphic_kernels
from sqcli.theories._base import References
from sqcli.theories._functions import functions
from sqcli.theories._holomorphic import HolomorphicVariable
from sqcli.theories._zeros import zeros

TURN = 2 * math.pi
REACH = 45.0  # Re S of the critical points beyond which none matters
MOST = 60  # multiples of π up to which they are looked for


@dataclass(frozen=True)
class ComplexCosine(HolomorphicVariable):
    """Cosine of strength `beta`, with a Gaussian of inverse variance `s`; 0: on the circle."""

    beta: complex
    s: complex = 0j
    formula: ClassVar[str] = "S = i beta cos x + 1/2 s x^2"
    holomorphic: ClassVar[Kernel] = _holomorphic_kernels.cosine

    def __post_init__(self) -> None:
        if self.s and complex(self.s).real <= 0:
            raise ValueError(f"s must have a positive real part, or be 0 for an angle, not {self.s}")

    @property
    def manifold(self) -> ComplexField:
        """The complex plane; real parts are angles where there is no Gaussian."""
        return ComplexField(0.0 if self.s else TURN)

    def potential(self, z: Any) -> Any:
        """Compute S = iβ cos z + ½ s z²."""
        return 1j * self.beta * functions(z).cos(z) + self.s * z**2 / 2

    def slope(self, z: Any) -> Any:
        """Compute S′ = −iβ sin z + s z."""
        return -1j * self.beta * functions(z).sin(z) + self.s * z

    def curvature(self, z: Any) -> Any:
        """Compute S″ = −iβ cos z + s."""
        return -1j * self.beta * functions(z).cos(z) + self.s

    def critical_points(self) -> list[complex]:
        """List 0 and, on the circle, π; with a Gaussian all with Re S small enough for their thimbles to matter.

        Raises:
            UsageError: when they are too many, or coincide.
        """
        if not (self.s and self.beta):
            return [0j] if self.s else [0j, complex(math.pi)]
        return zeros(self.slope, self.curvature, self._window())

    def _window(self) -> complex:
        """Find half the sides of a rectangle beyond which Re S > REACH at all z with iβ sin z = s z."""
        beta, s = complex(self.beta), complex(self.s)
        for x in math.pi * (np.arange(MOST) + 0.5):  # for small s the zeros lie at multiples of π
            y = 0.0
            for _ in range(20):  # |sin z| is at least sinh |y|
                y = math.asinh(abs(s / beta) * (x + y))
            least = (s.real * (x**2 - y**2) / 2 - abs(s.imag) * x * y) - abs(s) * (x + y) - abs(beta)
            if least > REACH + abs(beta.imag):
                return complex(x, y + 1)
        raise UsageError(f"{self}: too many critical points of the action matter; s must be larger")

    def opening(self) -> tuple[float, float]:
        """Return the real line alone: off it the cosine grows beyond every Gaussian."""
        return 0.0, 0.0

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return real and imaginary parts of (β, s)."""
        beta, s = complex(self.beta), complex(self.s)
        return np.array([beta.real, beta.imag, s.real, s.imag])

    def exact(self, lattice: Lattice) -> References:
        """Compute ⟨e^{ikz}⟩ and ⟨S⟩; with a Gaussian also moments and what follows from them."""
        if self.s:
            return dict(_contour.references(self))
        ratios = {k: (-1j) ** k * self._bessel(k) / self._bessel(0) for k in _contour.HARMONICS}
        return {("action", None): 1j * self.beta * ratios[1], **{("harmonics", str(k)): v for k, v in ratios.items()}}

    def log_partition(self, lattice: Lattice) -> complex:
        """Compute log ∫ e^{−S} dx, over a circle or the line."""
        return _contour.line(self).log_z if self.s else cmath.log(TURN * self._bessel(0))

    def _bessel(self, order: int) -> complex:
        from scipy import special

        bessel: Any = special.jv
        return complex(bessel(order, complex(self.beta)))
