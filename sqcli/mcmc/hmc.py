"""Hybrid Monte Carlo: Gaussian momenta, molecular dynamics, Metropolis (Duane et al., Phys. Lett. B 195, 216, 1987)."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from sqcli.lattice.philox import Stream
from sqcli.mcmc import _trajectory, _tuning
from sqcli.mcmc._base import Exactness, State, System, Trace, require_warmup


@dataclass(frozen=True)
class HMC(_trajectory.MolecularDynamics):
    """One update is one trajectory; the parameters are those of its molecular dynamics."""

    def check(self, system: System, warmup: int) -> None:
        """Every theory has a flow; tuning needs warm-up."""
        require_warmup(self.step_size, warmup, "step_size")

    def exactness(self) -> Exactness:
        """Exact."""
        return Exactness("exact", "molecular dynamics corrected by Metropolis accept/reject on exp(-delta_h)")

    def stats(self) -> tuple[str, ...]:
        """Of the last trajectory before a draw, and the acceptance since the draw before."""
        return _trajectory.COLUMNS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Nothing learnt yet."""
        return State(field, 0, _tuning.start(self.first_step))

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """`updates` trajectories."""
        target = self.target_acceptance if tune and self.step_size == "auto" else None
        return _trajectory.run(system, state, stream, updates, every, self.kicks_and_drifts, self.jitter, target)
