"""Observables of rectangular loops, whose sizes are named by a text.

`1x1,2x2` names two; `small` stands for all R×T with R ≤ T ≤ 4 for which the lattice has room. A side may be as long as
the extent of the lattice, and no longer.
"""

import re
from dataclasses import dataclass

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import LatticeTheory
from sqcli.observables._links import Size, placed
from sqcli.observables._smearing import SmearedObservable

SMALL = "small"
LONGEST = 4  # side of the loops that `small` stands for
SIZE = re.compile(r"[1-9][0-9]{0,5}x[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class RectangleObservable(SmearedObservable):
    """Base of observables with one number for each of the `sizes`."""

    sizes: str = "small"

    def __post_init__(self) -> None:
        """Refuse what names no sizes."""
        super().__post_init__()
        if self.sizes != SMALL and not all(map(SIZE.fullmatch, self.sizes.split(","))):
            raise ValueError(f"sizes must look like 1x1,2x2, or be {SMALL}, not {self.sizes!r}")

    def rectangles(self, lattice: Lattice) -> list[Size]:
        """Sizes (R, T), each once, in the order of the text."""
        if self.sizes != SMALL:
            return named(self.sizes)
        small = ((r, t) for t in range(1, LONGEST + 1) for r in range(1, t + 1))
        return [size for size in small if placed(size, lattice)]

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has room for every loop that is named, and for one at least."""
        sizes = self.rectangles(theory.lattice)
        return super().fits(field, theory) and bool(sizes) and all(placed(size, theory.lattice) for size in sizes)

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Sizes RxT."""
        return tuple(map(label, self.rectangles(theory.lattice)))


def named(text: str) -> list[Size]:
    """Read sizes, each once: "1x2,2x2" -> [(1, 2), (2, 2)]."""
    return [(int(r), int(t)) for r, _, t in (size.partition("x") for size in dict.fromkeys(text.split(",")))]


def label(size: Size) -> str:
    """Name a size: (2, 2) -> "2x2"."""
    return f"{size[0]}x{size[1]}"
