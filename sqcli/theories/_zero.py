"""Theories of a single real variable x with an even action S(x): everything about them follows by quadrature.

They live on the lattice of one site; what they state is S and S′, for arrays of x.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.lattice.manifold import RealField
from sqcli.theories import _posterior, _quadrature, _scalar
from sqcli.theories._base import References


class ZeroDimensional(ABC):
    """Theory of one variable; its class states `potential`, `slope`, kernels with their couplings, and `gaussian`."""

    manifold: ClassVar[RealField] = RealField(field="x")
    period: ClassVar[float] = 0.0

    @abstractmethod
    def potential(self, x: Any) -> Any:
        """Compute S(x), element by element."""

    @abstractmethod
    def slope(self, x: Any) -> Any:
        """Compute S′(x), element by element."""

    @abstractmethod
    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return the numbers that the kernels read, (k,)."""

    @abstractmethod
    def gaussian(self, curvature: float) -> NDArray[np.float64]:
        """Return the couplings with which the kernels have S = ½ curvature x²."""

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError unless the lattice is one site."""
        if lattice.extents != (1,):
            raise UsageError(f"{type(self).__name__} is a theory of one variable: give --lattice 1, not {lattice}")

    def bond_coupling(self, lattice: Lattice) -> float:
        """Return 0, as there are no bonds: a cluster flip is x -> −x."""
        return 0.0

    def action(self, field: Any, lattice: Lattice) -> Any:
        """Compute S of each draw, (n, 1) -> (n,)."""
        return lattice.site_sum(self.potential(field))

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """Compute −S′, (n, 1)."""
        return -self.slope(field)

    def identities(self, field: NDArray[Any], lattice: Lattice) -> Mapping[str, NDArray[np.float64]]:
        """Compute residuals of ⟨xS′⟩ = 1 and ⟨x³S′⟩ = 3⟨x²⟩, (n,) each."""
        x = field.astype(np.float64, copy=False).reshape(-1)
        force = self.slope(x)
        return {"x_dS": x * force - 1, "x3_dS": x**3 * force - 3 * x**2}

    def exact(self, lattice: Lattice) -> References:
        """Compute moments, cumulants and what follows from them, and ⟨S⟩."""
        return dict(_quadrature.references(self))

    def log_partition(self, lattice: Lattice) -> float:
        """Compute log ∫ e^{−S} dx."""
        return _quadrature.quadrature(self).log_z

    def denoise(self, y: Any, level: Any, lattice: Lattice) -> Any:
        """Compute E[x₀ | y = x₀ + s z] for torch tensors, (n, 1), s () or (n,) -> (n, 1)."""
        return _posterior.denoise(self, y[:, 0], level)[:, None]

    def log_density(self, y: Any, level: Any, lattice: Lattice) -> Any:
        """Compute log p_s(y) for torch tensors, (n,)."""
        return _posterior.log_density(self, y[:, 0], level)

    def independent(self, normals: NDArray[np.float64], lattice: Lattice) -> NDArray[np.float64]:
        """Map N(0, 1) numbers, increasingly, to draws of e^{−S}/Z, (n, 1) -> (n, 1)."""
        z, x = _quadrature.transport(self)
        return np.asarray(np.copysign(np.interp(np.abs(normals), z, x), normals))

    def reference(self, lattice: Lattice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return couplings and spectrum of the Gaussian of the same variance."""
        variance = _quadrature.references(self)["field_squared", None]
        return self.gaussian(1 / variance), np.full(lattice.extents, variance)


class PolynomialWell(ZeroDimensional):
    """Theory with S = c₂x² + c₄x⁴ and the kernels of the scalar fields; its class states the `terms`."""

    flow: ClassVar[Kernel] = _scalar.flow
    finish: ClassVar[Kernel] = _scalar.finish
    local_change: ClassVar[Kernel] = _scalar.local_change

    @abstractmethod
    def terms(self) -> tuple[float, float]:
        """Return (c₂, c₄)."""

    def potential(self, x: Any) -> Any:
        """Compute S = c₂x² + c₄x⁴."""
        c2, c4 = self.terms()
        return x**2 * (c2 + c4 * x**2)

    def slope(self, x: Any) -> Any:
        """Compute S′ = 2c₂x + 4c₄x³."""
        c2, c4 = self.terms()
        return x * (2 * c2 + 4 * c4 * x**2)

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return (J, c₂, c₄) with J = 0."""
        return np.array([0.0, *self.terms()])

    def gaussian(self, curvature: float) -> NDArray[np.float64]:
        """Return (0, c₂, 0) with c₂ = ½ curvature."""
        return np.array([0.0, curvature / 2, 0.0])


def normalisable(square: float, fourth: float, names: tuple[str, str]) -> None:
    """Raise ValueError unless c₂x² + c₄x⁴ grows at infinity."""
    if fourth < 0 or (fourth == 0 and square <= 0):
        raise ValueError(
            f"the action is unbounded below, or flat: {names[1]} must be positive, or 0 with {names[0]} > 0"
        )
