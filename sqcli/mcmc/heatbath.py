"""Heat bath: one update draws every link in turn from its distribution given all others (Creutz, PRD 21, 2308, 1980).

U(1): von Mises' law; SU(N): subgroups SU(2) in turn (Kennedy and Pendleton, Phys. Lett. B 156, 393, 1985; Cabibbo and
Marinari, Phys. Lett. B 119, 387, 1982); U(N): the determinant's phase as well. Nothing is rejected or tuned.
"""

from dataclasses import dataclass

from sqcli.lattice.jit import Kernel
from sqcli.mcmc import _sweeps
from sqcli.mcmc._base import Exactness, System
from sqcli.theories import ConditionalDraws, Theory


@dataclass(frozen=True)
class HeatBath(_sweeps.Sweeps):
    """Heat bath; it has no parameters."""

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when the theory cannot draw from conditional distributions."""
        if not isinstance(system.theory, ConditionalDraws):
            raise _sweeps.missing("heatbath", "conditional distributions to draw from", system)

    def exactness(self) -> Exactness:
        """Return `exact`: conditional draws keep the distribution."""
        return Exactness("exact", "links drawn from their distribution given all others")

    def sweep(self, theory: Theory) -> Kernel:
        """Return the theory's kernel of one sweep."""
        assert isinstance(theory, ConditionalDraws)
        return theory.redraw
