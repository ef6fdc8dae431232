"""U(N) gauge theory in two to four dimensions: S = β Σ_□ (1 − Re tr U_□/N) (Wilson, PRD 10, 2445, 1974).

In two dimensions determinants have a charge, Q = (1/2π) Σ_□ arg det U_□ (Bonati and Rossi, PRD 99, 054503, 2019).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.theories import _plaquettes, _sectors, _two_dimensions
from sqcli.theories._base import References
from sqcli.theories._group import GroupTheory


@dataclass(frozen=True)
class UN(GroupTheory):
    """Links in U(N)."""

    special: ClassVar[bool] = False
    change_sector: ClassVar[Kernel] = _sectors.change_sector

    def require_sectors(self, lattice: Lattice) -> None:
        """Raise UsageError in three and four dimensions, where there are no sectors."""
        if lattice.dimension != 2:
            raise UsageError(f"un has topological sectors in two dimensions only, not on {lattice}")

    def charge(self, field: NDArray[Any], lattice: Lattice) -> NDArray[np.float64]:
        """Compute Q = (1/2π) Σ_□ arg det U_□, arg in (−π, π], in two dimensions: (n,) whole numbers."""
        return _plaquettes.charge(np.angle(np.linalg.det(field)), lattice)

    def charge_squared(self, lattice: Lattice) -> float:
        """Compute ⟨Q²⟩ on the two-dimensional torus."""
        return _two_dimensions.charge_squared(self.n, self.beta, lattice.volume).value

    def exact(self, lattice: Lattice) -> References:
        """Compute plaquette, action per site, loops and χ_Q of the two-dimensional torus; else nothing is known."""
        if lattice.dimension != 2:
            return {}
        susceptibility = self.charge_squared(lattice) / lattice.volume
        return {**super().exact(lattice), ("topological_susceptibility", None): susceptibility}
