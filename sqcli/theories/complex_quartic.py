"""Quartic model of one variable with a complex mass: S = ½σ₀x² + ¼λx⁴, σ₀ = A + iB (1306.3075, 2510.01328).

Complex Langevin with real noise stays in |y| < y₋, y₋² = (A/2λ)(1 − √(1 − B²/3A²)), where 3A² > B² and λ is real.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from sqcli.theories._holomorphic import PolynomialVariable, integrable


@dataclass(frozen=True)
class ComplexQuartic(PolynomialVariable):
    """Quartic model with `sigma0` and `lambda`, Re λ > 0."""

    sigma0: complex
    lam: complex = field(metadata={"name": "lambda"})
    formula: ClassVar[str] = "S = 1/2 sigma0 x^2 + 1/4 lambda x^4"

    def __post_init__(self) -> None:
        integrable(complex(self.sigma0), complex(self.lam), ("sigma0", "lambda"))

    def terms(self) -> tuple[complex, complex]:
        """Return (½σ₀, ¼λ)."""
        return complex(self.sigma0) / 2, complex(self.lam) / 4
