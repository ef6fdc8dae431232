"""Double well of one variable with complex coefficients: S = aφ² + bφ⁴ (2411.11297: a = −4 + i a_I, b = 1).

Complex Langevin goes wrong for a_I ≳ 4; at a = −4 + 10i, ⟨φ²⟩ = −0.0184148 − 0.0435671i by quadrature.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.theories._holomorphic import PolynomialVariable, integrable


@dataclass(frozen=True)
class ComplexDoubleWell(PolynomialVariable):
    """Double well with `a` and `b`, Re b > 0."""

    a: complex
    b: complex
    formula: ClassVar[str] = "S = a x^2 + b x^4"

    def __post_init__(self) -> None:
        integrable(complex(self.a), complex(self.b), ("a", "b"))

    def terms(self) -> tuple[complex, complex]:
        """Return (a, b)."""
        return complex(self.a), complex(self.b)
