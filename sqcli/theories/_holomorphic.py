"""Theories of one complex variable z with a holomorphic action: real integrals ∫ dx e^{−S(x)} with a complex S.

Complex Langevin moves z off the real axis; what it samples is judged by expectation values of holomorphic functions.
Here are S, S′ and S″ for arrays of z, the identities that integration by parts gives, and exact results.
"""

import cmath
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.theories import _contour, _holomorphic_kernels
from sqcli.theories._base import References


class HolomorphicVariable(ABC):
    """Theory of one complex variable; its class states S with two derivatives, kernels, couplings and exact results."""

    holomorphic: ClassVar[Kernel]

    @property
    def manifold(self) -> ComplexField:
        """The complex plane."""
        return ComplexField()

    @abstractmethod
    def potential(self, z: Any) -> Any:
        """Compute S(z), element by element."""

    @abstractmethod
    def slope(self, z: Any) -> Any:
        """Compute S′(z), element by element."""

    @abstractmethod
    def curvature(self, z: Any) -> Any:
        """Compute S″(z), element by element."""

    @abstractmethod
    def critical_points(self) -> list[complex]:
        """List the z with S′(z) = 0; where there are infinitely many, those nearest to 0."""

    @abstractmethod
    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return the numbers that the kernels read, (k,)."""

    @abstractmethod
    def exact(self, lattice: Lattice) -> References:
        """Compute expectation values of holomorphic observables."""

    @abstractmethod
    def log_partition(self, lattice: Lattice) -> complex:
        """Compute log ∫ e^{−S} dx."""

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError unless the lattice is one site."""
        if lattice.extents != (1,):
            raise UsageError(f"{type(self).__name__} is a theory of one variable: give --lattice 1, not {lattice}")

    def action(self, field: Any, lattice: Lattice) -> Any:
        """Compute the complex S of each draw, (n, 1) -> (n,)."""
        return lattice.site_sum(self.potential(field))

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """Compute −S′, complex, (n, 1)."""
        return -self.slope(field)

    def stiffness(self, lattice: Lattice) -> complex:
        """Compute S″(0), to whose phase a constant kernel is turned."""
        return complex(self.curvature(0j))

    def identities(self, field: NDArray[Any], lattice: Lattice) -> Mapping[str, NDArray[Any]]:
        """Compute residuals of ⟨zS′⟩ = 1 and ⟨z³S′⟩ = 3⟨z²⟩, complex (n,) each."""
        z = field.astype(np.complex128, copy=False).reshape(-1)
        force = self.slope(z)
        return {"z_dS": z * force - 1, "z3_dS": z**3 * force - 3 * z**2}


class PolynomialVariable(HolomorphicVariable):
    """Theory with S = c₂z² + c₄z⁴ of complex coefficients; its class states the `terms`."""

    holomorphic: ClassVar[Kernel] = _holomorphic_kernels.polynomial

    @abstractmethod
    def terms(self) -> tuple[complex, complex]:
        """Return (c₂, c₄)."""

    def potential(self, z: Any) -> Any:
        """Compute S = c₂z² + c₄z⁴."""
        c2, c4 = self.terms()
        return z**2 * (c2 + c4 * z**2)

    def slope(self, z: Any) -> Any:
        """Compute S′ = 2c₂z + 4c₄z³."""
        c2, c4 = self.terms()
        return z * (2 * c2 + 4 * c4 * z**2)

    def curvature(self, z: Any) -> Any:
        """Compute S″ = 2c₂ + 12c₄z²."""
        c2, c4 = self.terms()
        return 2 * c2 + 12 * c4 * z**2

    def critical_points(self) -> list[complex]:
        """List 0 and, where c₄ and c₂ are not zero, ±√(−c₂/2c₄)."""
        c2, c4 = self.terms()
        if not (c2 and c4):
            return [0j]
        root = cmath.sqrt(-c2 / (2 * c4))
        return [0j, root, -root]

    def opening(self) -> tuple[float, float]:
        """Angles between which the line of integration may be turned."""
        return _contour.opening_of(*self.terms())

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return real and imaginary parts of (c₂, c₄)."""
        c2, c4 = self.terms()
        return np.array([c2.real, c2.imag, c4.real, c4.imag])

    def exact(self, lattice: Lattice) -> References:
        """Compute moments, cumulants and what follows from them, and ⟨S⟩, all complex."""
        return dict(_contour.references(self))

    def bounds(self, lattice: Lattice) -> References:
        """Compute bounds ∫ |O e^{−S}| dx/|Z| of moments and harmonics."""
        return _contour.bounds(self)

    def log_partition(self, lattice: Lattice) -> complex:
        """Compute log ∫ e^{−S} dx."""
        return _contour.line(self).log_z


def integrable(second: complex, fourth: complex, names: tuple[str, str]) -> None:
    """Raise ValueError unless ∫ e^{−c₂x² − c₄x⁴} dx converges absolutely on the real line."""
    if fourth.real < 0 or (fourth.real == 0 and (fourth.imag or second.real <= 0)):
        raise ValueError(
            f"the integral over the real line does not converge: {names[1]} needs a positive real part, "
            f"or to be 0 with one of {names[0]} that is positive"
        )
