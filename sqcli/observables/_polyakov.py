"""Polyakov loops: traces of the lines that close through the boundary along one axis."""

from dataclasses import dataclass

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._links import closed_lines, group_of
from sqcli.observables._smearing import SmearedObservable


@dataclass(frozen=True)
class PolyakovObservable(SmearedObservable):
    """Base of observables made of Polyakov loops along `axis`, counted from 0; −1 is the last axis."""

    axis: int = -1

    def defined(self) -> str:
        """`definition` with the axis that is meant."""
        text = super().defined()
        return text if self.axis == -1 else text.replace("the last axis", f"axis {self.axis}")

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has such an axis and another one."""
        dimension = theory.lattice.dimension
        return super().fits(field, theory) and dimension > 1 and -dimension <= self.axis < dimension

    def traces(self, fields: Array, theory: LatticeTheory) -> Array:
        """Traces p(x) = tr/N of the loops at each point x of the other axes, complex, (n, *other extents)."""
        lattice, links = theory.lattice, self.smeared(fields, theory)
        return group_of(links, lattice).trace(closed_lines(links, lattice, self.axis % lattice.dimension))
