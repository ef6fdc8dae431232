"""Gradient flow (Lüscher, 1006.4518): t²E(t), from clovers and from plaquettes, and in four dimensions the charge Q(t).

The flow is V̇ = −∂S̃ V, S̃ = 2 Σ Re tr(1 − V_□), t in units of a². E = ¼ F^a_μν F^a_μν over generators with
tr T_a T_b = ½ δ_ab, ¼ F_μν F_μν for angles; Q = (1/32π²) Σ_x ε_μνρσ tr F_μν F_ρσ of the clover, SU(N) and U(N), N > 1,
traceless F. The series is kept once for each list of `flow_times`, and `flow_energy`, `flow_scale` and the
four-dimensional charge are read from it: `0.5,1` names two times, `auto` twenty up to about L²/32.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._field_strength import densities, has_clover_charge
from sqcli.observables._flow import FlowedLinks
from sqcli.observables._flowed import ENERGIES, FlowedObservable


@dataclass(frozen=True)
class GradientFlow(FlowedObservable):
    """Columns t²E(t) by clover, t²E(t) by plaquette, and Q(t) where there is a charge, each at all flow times."""

    definition: ClassVar[str] = "t^2 E(t), clover and plaquette, and Q(t), along the Wilson flow"

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Names `clover_0.5`, `plaquette_0.5`, `charge_0.5` by flow time."""
        kinds = (*ENERGIES, "charge") if has_clover_charge(theory) else ENERGIES
        return tuple(f"{kind}_{time}" for kind in kinds for time in self.labels(theory))

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Follow each draw along the flow, (n, kinds × flow times)."""
        found = np.stack([self._along(links, theory) for links in fields])
        return found.swapaxes(1, 2).reshape(len(fields), -1)

    def _along(self, links: Array, theory: LatticeTheory) -> Array:
        """Numbers of one configuration, (flow times, kinds)."""
        flow, found = FlowedLinks(links, theory.loaded, theory.lattice), {}
        for label in sorted(self.labels(theory), key=float):
            flow.advance(float(label))
            found[label] = _numbers(flow.links[None], flow.time, theory)
        return np.array([found[label] for label in self.labels(theory)])


def _numbers(fields: Array, time: float, theory: LatticeTheory) -> list[float]:
    """Compute t²E(t) and Q(t) of one configuration (1, *site) at flow time `time`."""
    clover, plaquette, charge = densities(fields, theory)
    found = [time**2 * clover[0], time**2 * plaquette[0]]
    return found if charge is None else [*found, charge.sum()]
