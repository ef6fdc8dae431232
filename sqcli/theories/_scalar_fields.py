"""Scalar theories, what they share beside their kernels: the action as array formulas, and its identities.

Schwinger–Dyson: for any O(φ), ⟨O ∂S/∂φ(x)⟩ = ⟨∂O/∂φ(x)⟩ (integration by parts). They hold in equilibrium and fail
for a wrong force, a wrong coupling or a step-size error.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.lattice.manifold import RealField
from sqcli.lattice.momentum import phat2
from sqcli.theories import _holomorphic_kernels, _scalar
from sqcli.theories._base import References


class ScalarAction(ABC):
    """Action S = Σ_x [ −J Σ_μ φ(x)φ(x+μ̂) + c₂ φ(x)² + c₄ φ(x)⁴ ]; its class states the `terms`."""

    @abstractmethod
    def terms(self, lattice: Lattice) -> tuple[Any, Any, Any]:
        """Return (J, c₂, c₄)."""

    def check(self, lattice: Lattice) -> None:  # noqa: B027 - most need not override it
        """Accept every lattice."""

    def action(self, field: Any, lattice: Lattice) -> Any:
        """Compute S of each configuration, (n, *extents) -> (n,)."""
        j, c2, c4 = self.terms(lattice)
        ahead = sum(lattice.shift(field, axis) for axis in range(lattice.dimension))
        return lattice.site_sum(field * (c2 * field + c4 * field**3 - j * ahead))

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """Compute −∂S/∂φ = J Σ_{±μ} φ(x±μ̂) − 2c₂ φ − 4c₄ φ³, (n, *extents)."""
        j, c2, c4 = self.terms(lattice)
        near = sum(lattice.shift(field, axis, step) for axis in range(lattice.dimension) for step in (1, -1))
        return j * near - 2 * c2 * field - 4 * c4 * field**3

    def identities(self, field: NDArray[Any], lattice: Lattice) -> Mapping[str, NDArray[Any]]:
        """Compute residuals of ⟨φS′⟩ = 1, ⟨φ³S′⟩ = 3⟨φ²⟩, ⟨φ(x+μ̂)S′(x)⟩ = 0 (no axis of extent 1), (n,) each."""
        field = field.astype(np.result_type(field.dtype, np.float64), copy=False)
        force = -self.drift(field, lattice)

        def mean(values: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(lattice.site_sum(values)) / lattice.volume

        residuals = {"phi_dS": mean(field * force - 1), "phi3_dS": mean(field**3 * force - 3 * field**2)}
        axes = [axis for axis in range(lattice.dimension) if lattice.extents[axis] > 1]
        if axes:
            ahead = np.sum([lattice.shift(field, axis) for axis in axes], axis=0)
            residuals["neighbour_dS"] = mean(ahead * force) / len(axes)
        return residuals

    def exact(self, lattice: Lattice) -> References:
        """Return no values: nothing is known exactly in general."""
        return {}


class ScalarTheory(ScalarAction):
    """Theory of a real field with real (J, c₂, c₄)."""

    manifold: ClassVar[RealField] = RealField()
    period: ClassVar[float] = 0.0
    flow: ClassVar[Kernel] = _scalar.flow
    finish: ClassVar[Kernel] = _scalar.finish
    local_change: ClassVar[Kernel] = _scalar.local_change

    @abstractmethod
    def terms(self, lattice: Lattice) -> tuple[float, float, float]:
        """Return (J, c₂, c₄)."""

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return (J, c₂, c₄) for the kernels."""
        return np.array(self.terms(lattice))

    def bond_coupling(self, lattice: Lattice) -> float:
        """Return J of the embedded Ising model."""
        return self.terms(lattice)[0]

    def reference(self, lattice: Lattice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the Gaussian nearest to e^{−S} with the same J: c = c₂ + 6c₄⟨φ²⟩ with ⟨φ²⟩ its own (gap equation)."""
        j, c2, c4 = self.terms(lattice)
        c = _gap(j, c2, c4, phat2(lattice.extents))
        return np.array([j, c, 0.0]), 1 / _stiffness(j, c, phat2(lattice.extents))


class ComplexScalarTheory(ScalarAction):
    """Theory of a real field with complex (J, c₂, c₄), which complex Langevin takes off the real axis."""

    manifold: ClassVar[ComplexField] = ComplexField()
    holomorphic: ClassVar[Kernel] = _holomorphic_kernels.scalar

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return real and imaginary parts of J, c₂, c₄ and ∂²S/∂φ² at 0."""
        return np.array([*self.terms(lattice), self.stiffness(lattice)], np.complex128).view(np.float64)

    def stiffness(self, lattice: Lattice) -> complex:
        """Compute ∂²S/∂φ² at 0: 2c₂, less the hopping of a site to itself."""
        j, c2, _ = self.terms(lattice)
        return complex(2 * c2 - 2 * j * lattice.extents.count(1))


def _stiffness(j: float, c: float, momenta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute 1/G(k) = 2c − 2J Σ_μ cos k_μ of S = Σ_x [−J Σ_μ φ(x)φ(x+μ̂) + cφ²] from p̂² = Σ_μ (2 − 2 cos k_μ)."""
    return 2 * c - j * (2 * momenta.ndim - momenta)


def _gap(j: float, c2: float, c4: float, momenta: NDArray[np.float64]) -> float:
    """Find the root of c = c₂ + 6c₄⟨φ²⟩_c by bisection: the right side falls with c, from infinity at the lowest c."""
    low = high = float((j * (2 * momenta.ndim - momenta)).max()) / 2

    def wanted(c: float) -> float:
        return c2 + 6 * c4 * float((1 / _stiffness(j, c, momenta)).mean())

    step = 1.0
    while wanted(high + step) > high + step:
        step *= 2
    high += step
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle == low or wanted(middle) > middle else (low, middle)
    return high
