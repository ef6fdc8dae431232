"""Overrelaxation: every link in turn goes to another value of the same action (Adler, PRD 23, 2901, 1981).

U(1) and SU(2) links are reflected about the sum of their staples, subgroups SU(2) of larger groups likewise (Creutz,
Phys. Rev. D 36, 515, 1987). The action never changes, so that it is exact only beside an update that changes it: by
itself it is for teaching, and flagged; see `composite`.
"""

from dataclasses import dataclass

from sqcli.lattice.jit import Kernel
from sqcli.mcmc import _sweeps
from sqcli.mcmc._base import Exactness, System
from sqcli.theories import Reflections, Theory


@dataclass(frozen=True)
class Overrelaxation(_sweeps.Sweeps):
    """Overrelaxation; it has no parameters."""

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when the theory has no reflections."""
        if not isinstance(system.theory, Reflections):
            raise _sweeps.missing("overrelaxation", "reflections that keep the action", system)

    def exactness(self) -> Exactness:
        """Return `uncorrected`: the action never changes."""
        return Exactness("uncorrected", "overrelaxation alone never changes the action; use it within composite")

    def sweep(self, theory: Theory) -> Kernel:
        """Return the theory's kernel of one sweep."""
        assert isinstance(theory, Reflections)
        return theory.reflect
