"""Moves to a neighbouring topological sector, Q → Q ± 1, in two dimensions (Dürr, 1203.2560).

Every plaquette turns by 2π/V, or by −2π/V, and Metropolis accepts or rejects, at any coupling. All else stays, so that
it is exact only beside an update that moves the plaquettes: by itself it is for teaching, and flagged; see `composite`.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.lattice.jit import Kernel
from sqcli.mcmc import _sweeps
from sqcli.mcmc._base import Exactness, System
from sqcli.theories import SectorMoves, Theory


@dataclass(frozen=True)
class Instanton(_sweeps.Sweeps):
    """Moves between sectors; they have no parameters."""

    rates: ClassVar[tuple[str, ...]] = ("acceptance_rate",)

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when the theory has no topological sectors that can be changed."""
        if not isinstance(system.theory, SectorMoves):
            raise _sweeps.missing("instanton", "moves between topological sectors", system)
        system.theory.require_sectors(system.lattice)

    def exactness(self) -> Exactness:
        """Return `uncorrected`: only one direction of all is moved along."""
        return Exactness("uncorrected", "moves between sectors alone reach few configurations; use them in composite")

    def sweep(self, theory: Theory) -> Kernel:
        """Return the theory's kernel of one move."""
        assert isinstance(theory, SectorMoves)
        return theory.change_sector
