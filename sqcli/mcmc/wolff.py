"""Cluster updates composed with an ergodic update of the field; one update is `radial_updates` of it, then `clusters`.

Flips alone leave |φ(x)| as it is, so they are exact only together with an update that moves it: `radial_updates=0` is
for teaching, and flagged.
"""

from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.mcmc import _composed, _trajectory, _tuning
from sqcli.mcmc._base import (
    Auto,
    Exactness,
    InPlace,
    Kept,
    State,
    System,
    Work,
    records,
    require_positive_or_auto,
    require_warmup,
)
from sqcli.mcmc._local import visits
from sqcli.parameters import require_count
from sqcli.theories import ClusterFlips, LocalUpdates

MOST_RADIAL, MOST_CLUSTERS = 128, 10_000  # of an update; random numbers tell 256 sub-updates apart
SWEEP_ACCEPTANCE = 0.5  # the width of the Metropolis proposals is tuned to it


@dataclass(frozen=True)
class Wolff(_trajectory.MolecularDynamics, InPlace):
    """Cluster flips, with the parameters of the update of the field.

    Attributes:
        radial: the update of the field, hmc or metropolis.
        radial_updates: number of them before the flips.
        clusters: flips (single) or decompositions (full) in one update.
        decomposition: single (Wolff) or full (Swendsen and Wang).
        width: half the range of the Metropolis proposals, or "auto".
    """

    radial: Literal["hmc", "metropolis"] = "hmc"
    radial_updates: int = 1
    clusters: int = 1
    decomposition: Literal["single", "full"] = "single"
    width: float | Auto = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("radial_updates", self.radial_updates, 0, MOST_RADIAL)
        require_count("clusters", self.clusters, 1, MOST_CLUSTERS)
        require_positive_or_auto("width", self.width)

    @property
    def tuned(self) -> float | Auto:
        """Parameter that warm-up tunes, a number or "auto"."""
        return self.step_size if self.radial == "hmc" else self.width

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when the theory lacks cluster flips or local updates, or tuning lacks warm-up."""
        if not isinstance(system.theory, ClusterFlips):
            raise UsageError(f"wolff needs cluster flips, which {type(system.theory).__name__} does not have")
        if self.radial == "metropolis" and not isinstance(system.theory, LocalUpdates):
            raise UsageError(f"radial=metropolis needs local updates, which {type(system.theory).__name__} lacks")
        if self.radial_updates:
            require_warmup(self.tuned, warmup, "step_size" if self.radial == "hmc" else "width")

    def exactness(self) -> Exactness:
        """Return `exact`, or `uncorrected` when nothing moves |φ|."""
        if self.radial_updates == 0:
            return Exactness("uncorrected", "radial_updates=0: |phi| never moves, the chain is not ergodic")
        return Exactness("exact", f"cluster flips are rejection-free; {self.radial} updates corrected by accept/reject")

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics: of the update of the field, then of the clusters since the draw before."""
        return _composed.columns(self.radial, self.radial_updates)

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state of a chain that has learnt nothing."""
        width = 1.0 if self.width == "auto" else self.width
        return State(field, 0, _tuning.start(self.first_step if self.radial == "hmc" else width))

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` composed updates."""
        system, kept = work.system, records(work.system, updates // every, len(self.stats()))
        count = (work.stream.key, work.first, updates, every, self.radial_updates, work.tuning)
        run = self._with_trajectories if self.radial == "hmc" else self._with_sweeps
        run(system, work.sites, count, tune and self.tuned == "auto", kept)
        return kept

    def _with_trajectories(
        self, system: System, sites: NDArray[Any], count: tuple[Any, ...], tune: bool, kept: Kept
    ) -> None:
        _composed.trajectories_and_flips(system.dtype)(
            system.theory.flow(system.dtype), system.theory.finish(system.dtype), sites, system.buffers(4),
            system.geometry, system.couplings, *self.kicks_and_drifts, self.jitter,
            *self._flips(system), *count, self.target_acceptance, tune, *kept,
        )  # fmt: skip

    def _with_sweeps(self, system: System, sites: NDArray[Any], count: tuple[Any, ...], tune: bool, kept: Kept) -> None:
        assert isinstance(system.theory, LocalUpdates)
        _composed.sweeps_and_flips(system.dtype)(
            system.theory.local_change(system.dtype), sites, system.couplings, system.neighbours,
            visits(system, "checkerboard"), system.theory.period, *self._flips(system), *count,
            SWEEP_ACCEPTANCE, tune, *kept,
        )  # fmt: skip

    def _flips(self, system: System) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], float, int, bool]:
        assert isinstance(system.theory, ClusterFlips)
        bond = 2 * system.theory.bond_coupling(system.lattice)
        return *system.steps, bond, self.clusters, self.decomposition == "full"
