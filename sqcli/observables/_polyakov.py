"""Polyakov loops: traces of the lines that close through the boundary along one axis."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import LINKS, Array, LatticeTheory, Observable
from sqcli.observables._links import closed_lines, group_of


@dataclass(frozen=True)
class PolyakovObservable(Observable):
    """Base of observables made of Polyakov loops along `axis`, counted from 0; −1 is the last axis."""

    axis: int = -1
    on: ClassVar[tuple[str, ...]] = LINKS

    def defined(self) -> str:
        """`definition` with the axis that is meant."""
        return self.definition if self.axis == -1 else self.definition.replace("the last axis", f"axis {self.axis}")

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has such an axis and another one."""
        dimension = theory.lattice.dimension
        return super().fits(field, theory) and dimension > 1 and -dimension <= self.axis < dimension

    def traces(self, fields: Array, theory: LatticeTheory) -> Array:
        """Traces p(x) = tr/N of the loops at each point x of the other axes, complex, (n, *other extents)."""
        lattice = theory.lattice
        return group_of(fields, lattice).trace(closed_lines(fields, lattice, self.axis % lattice.dimension))
