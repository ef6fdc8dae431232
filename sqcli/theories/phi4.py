"""φ⁴: S = Σ_x [ −2κ Σ_μ φ(x)φ(x+μ̂) + (1−2λ) φ(x)² + λ φ(x)⁴ ].

Dimensionless, periodic, any dimension (2309.17082 §4.1). Bare mass (a m₀)² = (1−2λ)/κ − 2D, bare coupling
λ₀ a^{4−D} = 6λ/κ². Critical points: 2D κ_c(λ = 0.022) ≈ 0.2709, 3D κ_c(λ = 0.9) ≈ 0.1923.
"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories._scalar_fields import ScalarTheory


@dataclass(frozen=True)
class Phi4(ScalarTheory):
    """Scalar φ⁴ theory with hopping parameter `kappa` and coupling `lambda` ≥ 0."""

    kappa: float
    lam: float = dataclasses.field(metadata={"name": "lambda"})
    formula: ClassVar[str] = (
        "S = sum_x [ -2 kappa sum_mu phi(x) phi(x+mu) + (1 - 2 lambda) phi(x)^2 + lambda phi(x)^4 ]"
    )

    def __post_init__(self) -> None:
        if self.lam < 0:
            raise ValueError(f"the action is unbounded below for lambda = {self.lam} < 0")

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError where the quartic term is absent and the quadratic form is not positive."""
        if self.lam == 0 and abs(self.kappa) * 2 * lattice.dimension >= 1:
            raise UsageError(f"phi4 is unbounded below for lambda = 0 and |kappa| >= {1 / (2 * lattice.dimension):g}")

    def terms(self, lattice: Lattice) -> tuple[float, float, float]:
        """Return (J, c₂, c₄) = (2κ, 1 − 2λ, λ)."""
        return 2 * self.kappa, 1 - 2 * self.lam, self.lam
