"""Energy density along the gradient flow, t²⟨E(t)⟩, dimensionless: at t₀ it is 0.3 (Lüscher, 1006.4518).

`flow_times` names the times, `0.5,1`, in units of a²; `auto` stands for twenty up to about L²/32. E is that of clovers,
or with `energy=plaquette` 2 Σ Re tr(1 − V_□) over planes, as `gradient_flow` defines both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._flowed import FlowedObservable


@dataclass(frozen=True)
class FlowEnergy(FlowedObservable):
    """Flowed energy t²⟨E(t)⟩ by flow time."""

    energy: Literal["clover", "plaquette"] = "clover"
    definition: ClassVar[str] = "t^2 E(t), E = 1/4 F^a_munu F^a_munu along the Wilson flow"

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Flow times as they are written."""
        return self.labels(theory)

    def primaries(self, series: Sequence[Array]) -> Array:
        """Columns t²E(t), (n, flow times)."""
        return self.columns(series[0], self.energy)
