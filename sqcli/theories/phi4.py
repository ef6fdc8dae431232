"""φ⁴: S = Σ_x [ −2κ Σ_μ φ(x)φ(x+μ̂) + (1−2λ) φ(x)² + λ φ(x)⁴ ].

Dimensionless, periodic, any dimension (2309.17082 §4.1). Bare mass (a m₀)² = (1−2λ)/κ − 2D, bare coupling
λ₀ a^{4−D} = 6λ/κ². Critical points: 2D κ_c(λ = 0.022) ≈ 0.2709, 3D κ_c(λ = 0.9) ≈ 0.1923. With a complex κ or λ
(0.2+0.1j) the field lives on a complex manifold, for complex Langevin.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories._scalar_fields import ComplexScalarTheory, ScalarTheory


@dataclass(frozen=True)
class Phi4(ScalarTheory):
    """Scalar φ⁴ theory with hopping parameter `kappa` and coupling `lambda` ≥ 0, or one of them complex."""

    kappa: float | complex
    lam: float | complex = dataclasses.field(metadata={"name": "lambda"})
    formula: ClassVar[str] = (
        "S = sum_x [ -2 kappa sum_mu phi(x) phi(x+mu) + (1 - 2 lambda) phi(x)^2 + lambda phi(x)^4 ]"
    )

    def __new__(cls, *values: Any, **named: Any) -> Any:
        """Make the theory of complex couplings where one is complex: its abilities are others."""
        if any(isinstance(value, complex) for value in (*values, *named.values())):
            return _ComplexPhi4(*values, **named)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        if self.lam.real < 0:
            raise ValueError(f"the action is unbounded below for lambda = {self.lam} < 0")

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError where the quartic term is absent and the quadratic form is not positive."""
        _require_bounded(self.kappa, self.lam, lattice)

    def terms(self, lattice: Lattice) -> tuple[float, float, float]:
        """Return (J, c₂, c₄) = (2κ, 1 − 2λ, λ)."""
        kappa, lam = self.kappa.real, self.lam.real
        return 2 * kappa, 1 - 2 * lam, lam


@dataclass(frozen=True)
class _ComplexPhi4(ComplexScalarTheory):
    """Scalar φ⁴ theory with complex couplings, Re λ > 0 or λ = 0."""

    kappa: complex
    lam: complex = dataclasses.field(metadata={"name": "lambda"})
    formula: ClassVar[str] = Phi4.formula

    def __post_init__(self) -> None:
        if self.lam and self.lam.real <= 0:
            raise ValueError(
                f"the integral does not converge: lambda = {self.lam} needs a positive real part, or to be 0"
            )

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError where the quartic term is absent and the real quadratic form is not positive."""
        _require_bounded(self.kappa, self.lam, lattice)

    def terms(self, lattice: Lattice) -> tuple[complex, complex, complex]:
        """Return (J, c₂, c₄) = (2κ, 1 − 2λ, λ)."""
        return 2 * self.kappa, 1 - 2 * self.lam, self.lam


def _require_bounded(kappa: complex, lam: complex, lattice: Lattice) -> None:
    if lam == 0 and abs(kappa.real) * 2 * lattice.dimension >= 1:
        raise UsageError(f"phi4 is unbounded below for lambda = 0 and |kappa| >= {1 / (2 * lattice.dimension):g}")
