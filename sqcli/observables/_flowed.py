"""Observables along the gradient flow, all of one kept series: that of `gradient_flow`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqcli.observables._base import LINKS, Array, LatticeTheory, Observable
from sqcli.observables._flow_times import AUTO, COUNT, check_times, flow_times, listed

ENERGIES = ("clover", "plaquette")  # kinds of E(t), in the order of the kept columns; the charge follows


@dataclass(frozen=True)
class FlowedObservable(Observable):
    """Base of observables at the flow times `flow_times`."""

    flow_times: str = "auto"
    needs: ClassVar[tuple[str, ...]] = ("observables/gradient_flow",)
    on: ClassVar[tuple[str, ...]] = LINKS

    def __post_init__(self) -> None:
        """Refuse what names no flow times."""
        check_times(self.flow_times)

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has planes."""
        return super().fits(field, theory) and theory.lattice.dimension > 1

    def handed_on(self) -> Mapping[str, Any]:
        """Flow times that are kept."""
        return {"flow_times": self.flow_times}

    def labels(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Flow times as they are written."""
        return flow_times(self.flow_times, theory.lattice)

    def columns(self, rows: Array, kind: str) -> Array:
        """Take t²E(t) of one of the kinds `ENERGIES` from the kept series, (n, number of flow times)."""
        count = COUNT if self.flow_times == AUTO else len(listed(self.flow_times))
        first = ENERGIES.index(kind) * count
        return rows[:, first : first + count]
