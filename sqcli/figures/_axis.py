"""Parameters of a theory along an axis of a figure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqcli.errors import UsageError
from sqcli.figures._style import PARAMETERS
from sqcli.parameters import CONVERT

PART = re.compile(r"(re|im)\((.+)\)")


@dataclass(frozen=True)
class Axis:
    """A parameter, written `kappa`, or one part of a complex one, written `re(a)` or `im(a)`."""

    name: str
    part: str = ""

    @classmethod
    def parse(cls, text: str) -> "Axis":
        """Read `kappa`, `re(a)` or `im(a)`."""
        found = PART.fullmatch(text)
        return cls(found[2], found[1]) if found else cls(text)

    @classmethod
    def differing(cls, points: Sequence[Mapping[str, Any]]) -> "Axis":
        """Find the first parameter in which `points` differ, or the first of all; of a complex one the part."""
        first, *others = points
        name = next((name for name in first if any(other[name] != first[name] for other in others)), next(iter(first)))
        values = [_number(point[name]) for point in points]
        if not any(value.imag for value in values):
            return cls(name)
        return cls(name, "re" if len({value.imag for value in values}) == 1 < len(values) else "im")

    def value(self, point: Mapping[str, Any]) -> float:
        """Take the value at a point, which holds parameters by public name; UsageError where it has none."""
        if self.name not in point:
            raise UsageError(f"there is no parameter {self.name!r}; there are: {', '.join(point)}")
        number = _number(point[self.name])
        if number.imag and not self.part:
            raise UsageError(f"{self.name} is complex: along an axis goes re({self.name}) or im({self.name})")
        return number.imag if self.part == "im" else number.real

    def moved(self, point: Mapping[str, Any], value: float) -> dict[str, Any]:
        """Return the point with another value along the axis."""
        number = _number(point[self.name])
        if self.part:
            number = complex(value, number.imag) if self.part == "re" else complex(number.real, value)
        return {**point, self.name: number if self.part else value}

    @property
    def label(self) -> str:
        """The label of the axis."""
        symbol = PARAMETERS.get(self.name, self.name)
        return f"{self.part.capitalize()} {symbol}".strip()


def _number(value: Any) -> complex:
    number: complex = CONVERT[complex](value)
    return number
