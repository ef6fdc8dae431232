"""Quartic action of one variable: S = ½μ²φ² + gφ⁴/4!, a single well or, for μ² < 0, a double well (2309.17082 §3.4)."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.theories._zero import PolynomialWell, normalisable


@dataclass(frozen=True)
class Quartic(PolynomialWell):
    """Single or double well with `mu2` = μ², of either sign, and `g` > 0."""

    mu2: float
    g: float
    formula: ClassVar[str] = "S = 1/2 mu2 x^2 + g x^4 / 24"

    def __post_init__(self) -> None:
        normalisable(self.mu2, self.g, ("mu2", "g"))

    def terms(self) -> tuple[float, float]:
        """Return (½μ², g/24)."""
        return self.mu2 / 2, self.g / 24
