"""Rectangular Wilson loops W(R,T) = ⟨Re tr U(R×T)⟩/N, U the product of the links around the rectangle (Wilson, 1974).

The average is over sites, planes and both orientations of a rectangle, so that 1x2 and 2x1 are one number. `sizes`
names the loops, `1x1,2x2`; `small` stands for all R×T with R ≤ T ≤ 4 for which there is room. `smearing=ape` or `stout`
smears the links first, `smearing_steps` times with `smearing_weight`.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._links import loops
from sqcli.observables._rectangles import RectangleObservable


@dataclass(frozen=True)
class WilsonLoop(RectangleObservable):
    """Wilson loops W(R,T) of the `sizes` named, averaged over planes and orientations."""

    definition: ClassVar[str] = "mean of Re tr U(R x T) / N over sites, planes and orientations"
    needs: ClassVar[tuple[str, ...]] = ("observables/wilson_loop",)
    separable: ClassVar[bool] = True

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Loops of each draw, a column for each size, (n, m)."""
        return loops(self.smeared(fields, theory), theory.lattice, self.rectangles(theory.lattice))
