"""Double well of one variable: S = aφ² + bφ⁴ (2411.11297: a = −4, b = 1, ⟨φ²⟩ = 1.835342)."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.theories._zero import PolynomialWell, normalisable


@dataclass(frozen=True)
class DoubleWell(PolynomialWell):
    """Double well for `a` < 0; `b` > 0."""

    a: float
    b: float
    formula: ClassVar[str] = "S = a x^2 + b x^4"

    def __post_init__(self) -> None:
        normalisable(self.a, self.b, ("a", "b"))

    def terms(self) -> tuple[float, float]:
        """Return (a, b)."""
        return self.a, self.b
