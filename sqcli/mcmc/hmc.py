"""Hybrid Monte Carlo: Gaussian momenta, molecular dynamics, Metropolis (Duane et al., Phys. Lett. B 195, 216, 1987)."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from sqcli.mcmc import _trajectory, _tuning
from sqcli.mcmc._base import Exactness, InPlace, Kept, State, System, Work, require_real_action, require_warmup


@dataclass(frozen=True)
class HMC(_trajectory.MolecularDynamics, InPlace):
    """Hybrid Monte Carlo with one trajectory an update; its parameters are those of molecular dynamics."""

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when tuning lacks warm-up; every real action has the force."""
        require_real_action(system)
        require_warmup(self.step_size, warmup, "step_size")

    def exactness(self) -> Exactness:
        """Return `exact`: accept/reject corrects the trajectories."""
        return Exactness("exact", "molecular dynamics corrected by Metropolis accept/reject on exp(-delta_h)")

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics of the last trajectory before a draw, and of those since the draw before."""
        return _trajectory.COLUMNS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state of a chain that has learnt nothing."""
        return State(field, 0, _tuning.start(self.first_step))

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` trajectories."""
        target = self.target_acceptance if tune and self.step_size == "auto" else None
        return _trajectory.run(work, updates, every, self.kicks_and_drifts, self.jitter, target)
