"""Action density of a gauge theory plane by plane, s_μν = β ⟨1 − Re tr U_□/N⟩ for the plaquettes in the plane μν.

Summed over planes it is the action per site. Planes differ where extents do: at finite temperature the difference of
those with and without the short axis is what pressure and energy are made of (Engels et al., Nucl. Phys. B 205, 545,
1982).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import LINKS, Array, LatticeTheory, Observable
from sqcli.observables._field_strength import planes, plaquette
from sqcli.observables._links import group_of


@dataclass(frozen=True)
class ActionDensity(Observable):
    """Action per site of the plaquettes in each plane, named by its axes: `xy`."""

    definition: ClassVar[str] = "beta (1 - Re tr U_p / N), mean over the plaquettes of each plane"
    needs: ClassVar[tuple[str, ...]] = ("observables/action_density",)
    on: ClassVar[tuple[str, ...]] = LINKS
    separable: ClassVar[bool] = True

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether the lattice has planes."""
        return super().fits(field, theory) and theory.lattice.dimension > 1

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Names of the planes."""
        axes = theory.lattice.axes
        return tuple(f"{axes[mu]}{axes[nu]}" for mu, nu in planes(theory.lattice))

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Action per site of each draw in each plane, (n, planes)."""
        lattice, group = theory.lattice, group_of(fields, theory.lattice)
        traces = [group.trace(plaquette(fields, lattice, plane)).real for plane in planes(lattice)]
        means = np.stack([lattice.site_sum(trace) / lattice.volume for trace in traces], axis=1)
        return np.asarray(float(theory.parameters["beta"]) * (1 - means))
