"""Compact U(1) gauge theory in two to four dimensions: S = β Σ_{x, μ<ν} (1 − cos θ_μν(x)).

θ_μν(x) = θ_μ(x) + θ_ν(x+μ̂) − θ_μ(x+ν̂) − θ_ν(x) is the angle of a plaquette (K. G. Wilson, Phys. Rev. D 10, 2445, 1974).
In two dimensions character sums give everything on the finite torus (`_two_dimensions.py`), and configurations can be
drawn directly (`_u1_draws.py`). At strong coupling ⟨cos θ_μν⟩ = u + 2(D − 2) u⁵ + …, u = I₁(β)/I₀(β) = β/2 − β³/16 + ….
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.lattice.manifold import AngleLinks, Manifold
from sqcli.theories import _plaquettes, _two_dimensions, _u1_draws, _u1_kernels, _u1_links
from sqcli.theories._base import References
from sqcli.theories._functions import functions


@dataclass(frozen=True)
class U1:
    """U(1) links with inverse coupling `beta`, Wilson's action, in two to four dimensions."""

    beta: float
    manifold: ClassVar[Manifold] = AngleLinks()
    period: ClassVar[float] = 2 * np.pi
    formula: ClassVar[str] = "S = beta sum_plaquettes (1 - cos theta_p)"
    flow: ClassVar[Kernel] = _u1_kernels.flow
    finish: ClassVar[Kernel] = _u1_kernels.finish
    local_change: ClassVar[Kernel] = _u1_kernels.local_change
    redraw: ClassVar[Kernel] = _u1_links.redraw
    reflect: ClassVar[Kernel] = _u1_links.reflect
    change_sector: ClassVar[Kernel] = _u1_links.change_sector

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError unless the lattice has two to four dimensions of at least 2 sites."""
        if not 2 <= lattice.dimension <= 4 or min(lattice.extents) < 2:
            raise UsageError(f"u1 needs a lattice of two to four dimensions with extents >= 2, not {lattice}")

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return (β, D)."""
        return np.array([self.beta, lattice.dimension])

    def plaquettes(self, field: Any, lattice: Lattice) -> Any:
        """Compute θ_μν(x), not reduced, for all planes μ < ν, (n, D, *extents) -> (n, D(D−1)/2, *extents)."""
        return _plaquettes.angles(field, lattice)

    def action(self, field: Any, lattice: Lattice) -> Any:
        """Compute S of each configuration, (n, D, *extents) -> (n,)."""
        angle = self.plaquettes(field, lattice)
        return self.beta * lattice.site_sum(1 - functions(angle).cos(angle)).sum(1)

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """Compute −∂S/∂θ_μ(x) = −β Σ_{ν≠μ} [sin θ_μν(x) − sin θ_μν(x−ν̂)], with θ_νμ = −θ_μν, (n, D, *extents)."""
        sines = functions(field).sin(self.plaquettes(field, lattice))
        return -self.beta * _plaquettes.at_links(sines, lattice)

    def identities(self, field: NDArray[Any], lattice: Lattice) -> Mapping[str, NDArray[np.float64]]:
        """Compute residuals of ⟨(S′)²⟩ = ⟨S″⟩ on links, and of the loop equations of small rectangles."""
        field = field.astype(np.float64, copy=False)
        return _plaquettes.identities(field, -self.drift(field, lattice), self.beta, lattice)

    def charge(self, field: NDArray[Any], lattice: Lattice) -> NDArray[np.float64]:
        """Compute Q = Σ_□ (θ_□ mod 2π)/2π, θ_□ in (−π, π], in two dimensions: (n,) whole numbers."""
        return _plaquettes.charge(field, lattice)

    def charge_squared(self, lattice: Lattice) -> float:
        """Compute ⟨Q²⟩ on the two-dimensional torus."""
        return _two_dimensions.charge_squared(1, self.beta, lattice.volume).value

    def coupling_limits(self, lattice: Lattice) -> tuple[float, float]:
        """Compute leading terms of the plaquette at strong and at weak coupling."""
        return _two_dimensions.coupling_limits(1, False, self.beta, lattice.dimension)

    def exact(self, lattice: Lattice) -> References:
        """Compute plaquette, action per site, r×t loops and χ_Q of the two-dimensional torus; else nothing is known."""
        if lattice.dimension != 2:
            return {}
        return {
            **_two_dimensions.references(1, False, self.beta, lattice.extents),
            ("topological_susceptibility", None): self.charge_squared(lattice) / lattice.volume,
        }

    def require_sectors(self, lattice: Lattice) -> None:
        """Raise UsageError in three and four dimensions, where there are no sectors."""
        if lattice.dimension != 2:
            raise UsageError(f"u1 has topological sectors in two dimensions only, not on {lattice}")

    def require_independent(self, lattice: Lattice) -> None:
        """Raise UsageError in three and four dimensions, where no such way is known, and at huge couplings."""
        if lattice.dimension != 2:
            raise UsageError(f"exact draws of u1 are known in two dimensions only, not on {lattice}; use hmc")
        if abs(self.beta) > _u1_draws.LARGEST:
            raise UsageError(f"exact draws of u1 need |beta| <= {_u1_draws.LARGEST:g}, not {self.beta:g}")

    def independent(self, normals: NDArray[np.float64], lattice: Lattice) -> NDArray[np.float64]:
        """Turn 2V numbers N(0, 1) into V − 1 plaquettes, two phases and a gauge, these into links (n, 2, *extents).

        Raises:
            UsageError: as `require_independent`.
        """
        self.require_independent(lattice)
        return _u1_draws.configurations(self.beta, normals, lattice)

    def with_plaquettes(
        self, angles: NDArray[Any], phases: NDArray[Any], gauge: NDArray[Any], lattice: Lattice
    ) -> NDArray[np.float64]:
        """Make links (n, 2, *extents) in two dimensions, of angles (n, V − 1) of all plaquettes but the last.

        `phases` (n, 2) are constants on the links of either direction, `gauge` (n, V − 1) acts on sites but the first.
        """
        return _u1_draws.links(angles, phases, gauge, lattice.extents)
