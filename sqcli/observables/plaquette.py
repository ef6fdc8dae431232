"""Mean plaquette ⟨Re tr U_□⟩/N of a gauge theory, U_□ the product of the links around an elementary square."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import LINKS, Array, LatticeTheory, Observable
from sqcli.observables._links import loops


@dataclass(frozen=True)
class Plaquette(Observable):
    """Mean ⟨Re tr U_□⟩/N, averaged over sites and planes; ⟨cos θ_□⟩ for U(1)."""

    definition: ClassVar[str] = "mean of Re tr U_p / N over all plaquettes"
    needs: ClassVar[tuple[str, ...]] = ("observables/plaquette",)
    on: ClassVar[tuple[str, ...]] = LINKS

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has planes."""
        return super().fits(field, theory) and theory.lattice.dimension > 1

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Mean plaquette of each draw, (n,)."""
        return loops(fields, theory.lattice, [(1, 1)])[:, 0]
