"""Gaussian of one variable with a complex width: S = ½σ₀x², σ₀ = A + iB (2510.01328; slides on complex Langevin).

⟨x²⟩ = 1/σ₀. Complex Langevin with real noise has the stationary distribution P(x, y) ∝ e^{−αx² − βy² − 2γxy}, α = A,
β = A(1 + 2A²/B²), γ = A²/B.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.theories._holomorphic import PolynomialVariable


@dataclass(frozen=True)
class ComplexGaussian(PolynomialVariable):
    """Gaussian with the inverse variance `sigma0`, Re σ₀ > 0."""

    sigma0: complex
    formula: ClassVar[str] = "S = 1/2 sigma0 x^2"

    def __post_init__(self) -> None:
        if self.sigma0.real <= 0:
            raise ValueError(
                f"sigma0 must have a positive real part, not {self.sigma0}: the integral would not converge"
            )

    def terms(self) -> tuple[complex, complex]:
        """Return (½σ₀, 0)."""
        return complex(self.sigma0) / 2, 0j
