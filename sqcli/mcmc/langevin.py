"""Langevin dynamics (Parisi and Wu, Sci. Sin. 24, 483, 1981): φ ← φ − ε ∂S/∂φ + √(2ε) η, ⟨ηη⟩ = 1.

Euler–Maruyama samples e^{−S} only up to O(ε), which is the user's to see. With `adjusted` the step is a proposal
that Metropolis judges: a trajectory of one leapfrog step √(2ε), exact at any ε (MALA: Roberts and Tweedie, 1996).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.halo import pack, unpack
from sqcli.lattice.jit import kernel
from sqcli.lattice.philox import block_buffers
from sqcli.mcmc import _trajectory, _tuning
from sqcli.mcmc._base import (
    Auto,
    Exactness,
    InPlace,
    Kept,
    State,
    System,
    Work,
    records,
    require_real_action,
    require_target,
    require_warmup,
)
from sqcli.mcmc._integrators import splitting
from sqcli.theories import FINISH, FLOW

STATS = ("action", "step_size")


@kernel(
    f"void(FunctionType({FLOW}), FunctionType({FINISH}), real[::1], real[:, ::1], uint64[::1], float64[::1], "
    "uint64[::1], uint64, int64, int64, float64, real[:, ::1], float64[:, ::1])"
)
def chain(
    flow, finish, sites, buffers, geometry, couplings, key, first, updates, every, epsilon, fields, stats
):  # fmt: skip
    """Make `updates` steps of Euler–Maruyama: a sweep with kick √(ε/2) and drift √(2ε) on a Gaussian momentum."""
    p, energies = buffers[2], np.empty(2)
    block, words = block_buffers()
    kick, drift = np.full(1, np.sqrt(0.5 * epsilon)), np.full(1, np.sqrt(2.0 * epsilon))
    pack(sites, buffers[0], geometry)
    for u in range(updates):
        _trajectory.gaussian_momentum(p, geometry, block, words, first + np.uint64(u), np.uint64(0), key)
        here = u % 2
        flow(buffers[here], buffers[1 - here], buffers[1 - here], p, geometry, couplings, kick, drift, 1.0)
        if (u + 1) % every == 0:
            unpack(buffers[1 - here], fields[u // every], geometry)
            finish(buffers[1 - here], p, geometry, couplings, 0.0, energies)
            stats[u // every, 0], stats[u // every, 1] = energies[0], epsilon
    unpack(buffers[updates % 2], sites, geometry)


@dataclass(frozen=True)
class Langevin(InPlace):
    """Langevin dynamics with one step an update.

    Attributes:
        step_size: ε; "auto" (tuned in warm-up to `target_acceptance`) only when `adjusted`.
        adjusted: accept or reject each step, which makes the chain exact.
        target_acceptance: acceptance that "auto" aims at.
    """

    step_size: float | Auto = 0.01
    adjusted: bool = False
    target_acceptance: float = 0.574

    def __post_init__(self) -> None:
        if self.step_size == "auto" and not self.adjusted:
            raise ValueError("step_size=auto needs adjusted=true: without accept/reject there is nothing to tune to")
        if self.step_size != "auto" and self.step_size <= 0:
            raise ValueError(f"step_size must be positive, not {self.step_size}")
        require_target(self.target_acceptance)

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when tuning lacks warm-up; every real action has the force."""
        require_real_action(system)
        require_warmup(self.step_size, warmup, "step_size")

    def exactness(self) -> Exactness:
        """Return `exact` for adjusted steps, else `uncorrected`."""
        if self.adjusted:
            return Exactness("exact", "Langevin steps corrected by Metropolis accept/reject")
        return Exactness("uncorrected", f"Euler-Maruyama steps, error of order step_size = {self.step_size}")

    def keeps_target(self) -> bool:
        """Tell whether steps are adjusted."""
        return self.adjusted

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics, the same as for `hmc` when steps are adjusted."""
        return _trajectory.COLUMNS if self.adjusted else STATS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state of a chain that has learnt nothing; its tuning record holds the leapfrog step √(2ε)."""
        epsilon = 0.01 if self.step_size == "auto" else self.step_size
        return State(field, 0, _tuning.start(float(np.sqrt(2 * epsilon))))

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` steps."""
        if self.adjusted:
            target = self.target_acceptance if tune and self.step_size == "auto" else None
            fields, stats = _trajectory.run(work, updates, every, splitting("leapfrog", 1), 0.0, target)
            stats[:, _trajectory.STEP_SIZE] = stats[:, _trajectory.STEP_SIZE] ** 2 / 2
            return fields, stats
        system, kept = work.system, records(work.system, updates // every, len(STATS))
        chain(system.dtype)(
            system.theory.flow(system.dtype), system.theory.finish(system.dtype), work.sites,
            system.buffers(3), system.geometry, system.couplings, work.stream.key, work.first, updates, every,
            self.step_size, *kept,
        )  # fmt: skip
        return kept
