"""What the real scalar theories share beside their kernels: the same action as array formulas, and its identities.

Schwinger–Dyson: for any O(φ), ⟨O ∂S/∂φ(x)⟩ = ⟨∂O/∂φ(x)⟩ (integration by parts). They hold in equilibrium and fail
for a wrong force, a wrong coupling or a step-size error.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.lattice.manifold import RealField
from sqcli.theories import _scalar
from sqcli.theories._base import References


class ScalarTheory(ABC):
    """S = Σ_x [ −J Σ_μ φ(x)φ(x+μ̂) + c₂ φ(x)² + c₄ φ(x)⁴ ]; a theory of this kind states its `terms`."""

    manifold: ClassVar[RealField] = RealField()
    flow: ClassVar[Kernel] = _scalar.flow
    finish: ClassVar[Kernel] = _scalar.finish
    local_change: ClassVar[Kernel] = _scalar.local_change

    @abstractmethod
    def terms(self, lattice: Lattice) -> tuple[float, float, float]:
        """(J, c₂, c₄)."""

    def check(self, lattice: Lattice) -> None:  # noqa: B027 - most need not override it
        """Scalar fields live on every lattice."""

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """(J, c₂, c₄) for the kernels."""
        return np.array(self.terms(lattice))

    def bond_coupling(self, lattice: Lattice) -> float:
        """J of the embedded Ising model."""
        return self.terms(lattice)[0]

    def action(self, field: Any, lattice: Lattice) -> Any:
        """S of each configuration: (n, *extents) -> (n,)."""
        j, c2, c4 = self.terms(lattice)
        ahead = sum(lattice.shift(field, axis) for axis in range(lattice.dimension))
        return lattice.site_sum(field * (c2 * field + c4 * field**3 - j * ahead))

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """J Σ_{±μ} φ(x±μ̂) − 2c₂ φ − 4c₄ φ³."""
        j, c2, c4 = self.terms(lattice)
        near = sum(lattice.shift(field, axis, step) for axis in range(lattice.dimension) for step in (1, -1))
        return j * near - 2 * c2 * field - 4 * c4 * field**3

    def identities(self, field: NDArray[Any], lattice: Lattice) -> Mapping[str, NDArray[np.float64]]:
        """⟨φS′⟩ = 1, ⟨φ³S′⟩ = 3⟨φ²⟩, ⟨φ(x+μ̂)S′(x)⟩ = 0 (absent where a site is its own neighbour)."""
        field = field.astype(np.float64, copy=False)
        force = -self.drift(field, lattice)

        def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(lattice.site_sum(values)) / lattice.volume

        residuals = {"phi_dS": mean(field * force - 1), "phi3_dS": mean(field**3 * force - 3 * field**2)}
        axes = [axis for axis in range(lattice.dimension) if lattice.extents[axis] > 1]
        if axes:
            ahead = np.sum([lattice.shift(field, axis) for axis in axes], axis=0)
            residuals["neighbour_dS"] = mean(ahead * force) / len(axes)
        return residuals

    def exact(self, lattice: Lattice) -> References:
        """Nothing is known exactly in general."""
        return {}
