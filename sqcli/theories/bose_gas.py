"""Relativistic Bose gas at chemical potential μ (0810.2089), whose complex action has a sign problem.

S = Σ_x [ (2d + m²) φ*φ + λ (φ*φ)² − Σ_ν (φ*_x e^{−μδ_{ν,d}} φ_{x+ν̂} + φ*_{x+ν̂} e^{μδ_{ν,d}} φ_x) ], periodic, time
along the last axis; φ = (φ₁ + iφ₂)/√2, so that φ*φ = (φ₁² + φ₂²)/2. The two real components become complex: hopping in
time is −cosh μ φ_a φ_a′ + i sinh μ ε_ab φ_a φ_b′. n = (1/V) ∂ ln Z/∂μ, in lattice units of charge per site. Without
the imaginary term the theory is the phase-quenched one, of the weight |e^{−S}|, which stays on the real axis.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.theories import _free_gas, _holomorphic_kernels
from sqcli.theories._base import References
from sqcli.theories._functions import functions

LARGEST = 50.0  # |m| and |μ|


@dataclass(frozen=True)
class BoseGas:
    """Complex scalar with bare `mass`, coupling `lambda` ≥ 0, chemical potential `mu`; two to four dimensions."""

    mass: float
    lam: float = field(metadata={"name": "lambda"})
    mu: float
    phase_quenched: bool = False
    manifold: ClassVar[ComplexField] = ComplexField(count=2)
    formula: ClassVar[str] = (
        "S = sum_x [ (2d + mass^2) |phi|^2 + lambda |phi|^4"
        " - sum_nu (phi*(x) e^(-mu delta_nu,d) phi(x+nu) + phi*(x+nu) e^(mu delta_nu,d) phi(x)) ]"
    )
    holomorphic: ClassVar[Kernel] = _holomorphic_kernels.complex_scalar

    def __post_init__(self) -> None:
        if self.lam < 0:
            raise ValueError(f"the action is unbounded below for lambda = {self.lam} < 0")
        if max(abs(self.mass), abs(self.mu)) > LARGEST:
            raise ValueError(f"mass and mu must be within {LARGEST:g}, not {self.mass} and {self.mu}")
        if self.lam == 0 and math.cosh(self.mu) >= 1 + self.mass**2 / 2:
            raise ValueError("without interaction the integral converges only for cosh(mu) < 1 + mass^2/2")

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError unless there are two to four dimensions."""
        if not 2 <= lattice.dimension <= 4:
            raise UsageError(f"bose_gas exists in two to four dimensions, not on {lattice}")

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return 2d + m², λ, cosh μ, sinh μ (or 0), and −∂²/∂φ² of the hopping along axes of one site."""
        even, (cosh, sinh) = self._even(lattice), self._hopping()
        return np.array([even, self.lam, cosh, sinh, even - self.stiffness(lattice).real])

    def stiffness(self, lattice: Lattice) -> complex:
        """Compute ∂²S/∂φ_a² at 0: 2d + m², less the hopping of a site to itself."""
        *space, time = (2.0 * (extent == 1) for extent in lattice.extents)
        return complex(self._even(lattice) - sum(space) - time * math.cosh(self.mu))

    def action(self, field: Any, lattice: Lattice) -> Any:
        """Compute the complex S of each configuration, (n, 2, *extents) -> (n,)."""
        square = (field**2).sum(1)
        along = sum(self._hops(field, lattice, axis)[0] for axis in range(lattice.dimension - 1))
        (parallel, crossed), (cosh, sinh) = self._hops(field, lattice, -1), self._hopping()
        hopping = along + cosh * parallel - 1j * sinh * crossed
        return lattice.site_sum(square * (self._even(lattice) / 2 + self.lam / 4 * square) - hopping)

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """Compute −∂S/∂φ_a, complex, (n, 2, *extents)."""
        *space, time = range(lattice.dimension)
        near = sum(lattice.shift(field, axis, step) for axis in space for step in (1, -1))
        after, before = (lattice.shift(field, time, step) for step in (1, -1))
        cosh, sinh = self._hopping()
        near = near + cosh * (after + before) - 1j * sinh * _crossed(after - before)
        return near - field * (self._even(lattice) + self.lam * (field**2).sum(1)[:, None])

    def density(self, field: Any, lattice: Lattice) -> Any:
        """Compute n = (1/V) Σ_x [sinh μ φ_a φ_a′ − i cosh μ ε_ab φ_a φ_b′], φ′ the next in time, (n,)."""
        parallel, crossed = self._hops(field, lattice, -1)
        odd = 0.0 if self.phase_quenched else math.cosh(self.mu)
        return lattice.site_sum(math.sinh(self.mu) * parallel - 1j * odd * crossed) / lattice.volume

    def identities(self, field: NDArray[Any], lattice: Lattice) -> Mapping[str, NDArray[Any]]:
        """Compute residuals of ⟨φ_a S_a⟩ = 2, ⟨φ²φ_a S_a⟩ = 4⟨φ²⟩, ⟨φ_a(x+t̂)S_a⟩ = 0, ⟨ε_ab φ_b(x+t̂)S_a⟩ = 0, (n,)."""
        z = field.astype(np.complex128, copy=False)
        force, square = -self.drift(z, lattice), (z**2).sum(1)
        radial = (z * force).sum(1)
        residuals = {"z_dS": radial / 2 - 1, "z3_dS": square * radial - 4 * square}
        if lattice.extents[-1] > 1:
            after = lattice.shift(z, lattice.dimension - 1)
            residuals |= {"next_dS": (after * force).sum(1), "turned_dS": (_crossed(after) * force).sum(1)}
        return {name: lattice.site_sum(values) / lattice.volume for name, values in residuals.items()}

    def exact(self, lattice: Lattice) -> References:
        """Compute what is known of the free gas, λ = 0; else nothing."""
        return {} if self.lam else _free_gas.references(self.mass, self.mu, lattice.extents, self.phase_quenched)

    def _hopping(self) -> tuple[float, float]:
        """Return cosh μ and sinh μ as they stand before real and imaginary hopping in time."""
        return math.cosh(self.mu), 0.0 if self.phase_quenched else math.sinh(self.mu)

    def _even(self, lattice: Lattice) -> float:
        return 2 * lattice.dimension + self.mass**2

    def _hops(self, field: Any, lattice: Lattice, axis: int) -> tuple[Any, Any]:
        """Compute φ_a φ_a′ and ε_ab φ_a φ_b′ at each x, φ′ the field at the next site along `axis`."""
        ahead = lattice.shift(field, axis % lattice.dimension)
        return (field * ahead).sum(1), (field * _crossed(ahead)).sum(1)


def _crossed(field: Any) -> Any:
    """Compute ε_ab φ_b = (φ₂, −φ₁), (n, 2, *extents)."""
    return functions(field).stack([field[:, 1], -field[:, 0]], 1)
