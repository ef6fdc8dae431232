"""Topological charge of gauge fields: geometric in two dimensions, of the clover along the gradient flow in four.

In two dimensions Q is a sum over plaquettes and an integer. In four it is read from the kept series of
`gradient_flow` at the flow time `flow_time`, `auto` standing for the largest of the kept ones; where another time is
named, and no list `flow_times` in which it stands, a series of this time alone is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable
from sqcli.observables._field_strength import has_clover_charge
from sqcli.observables._flow_times import AUTO, check_times, listed

GEOMETRIC, FLOWED = "observables/topological_charge", "observables/gradient_flow"
WINDING = ("u1", "un")  # theories whose determinants have a charge in two dimensions


@dataclass(frozen=True)
class ChargeObservable(Observable):
    """Base of observables made of the charge; in four dimensions at one flow time, `rounded` to integers or not."""

    flow_time: float | Literal["auto"] = "auto"
    flow_times: str = "auto"
    rounded: bool = False
    needs: ClassVar[tuple[str, ...]] = (GEOMETRIC,)
    on: ClassVar[tuple[str, ...]] = ("theta", "u")

    def __post_init__(self) -> None:
        """Refuse flow times that are none, and one that is not in the list."""
        check_times(self.flow_times)
        if self.flow_time != "auto":
            check_times(f"{self.flow_time:.10g}")
            if self.flow_times != AUTO and self.flow_time not in self._listed:
                raise ValueError(f"flow_time={self.flow_time:g} is none of flow_times={self.flow_times}")

    @property
    def _listed(self) -> list[float]:
        return [float(text) for text in listed(self.flow_times)]

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether there is a charge: U(1) and U(N) in two dimensions, SU(N) and U(N), N > 1, in four."""
        if theory.lattice.dimension == 4:
            return super().fits(field, theory) and has_clover_charge(theory)
        unflowed = self.flow_time == "auto" and self.flow_times == AUTO
        return super().fits(field, theory) and theory.lattice.dimension == 2 and theory.name in WINDING and unflowed

    def made_of(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Name the flow's series in four dimensions, else that of the geometric charge."""
        return (FLOWED,) if theory.lattice.dimension == 4 else (GEOMETRIC,)

    def handed_on(self) -> Mapping[str, Any]:
        """Flow times that are kept."""
        alone = self.flow_times == AUTO and self.flow_time != "auto"
        return {"flow_times": f"{self.flow_time:.10g}" if alone else self.flow_times}

    def charges(self, series: Sequence[Array]) -> Array:
        """Charge Q of each draw, (n,)."""
        rows = series[0]
        found = rows if rows.ndim == 1 else rows[:, self._column]
        return np.asarray(np.rint(found) if self.rounded else found)

    @property
    def _column(self) -> int:
        """Column of the flow's series, counted from its end, where the charges stand."""
        if self.flow_times == AUTO:
            return -1
        times = self._listed
        wanted = max(times) if self.flow_time == "auto" else self.flow_time
        return times.index(wanted) - len(times)
