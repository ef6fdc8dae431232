"""Chains of sweeps that a theory brings itself: of proposals, with a width to tune, or without anything to tune."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.jit import Kernel, kernel
from sqcli.mcmc import _tuning
from sqcli.mcmc._base import InPlace, Kept, State, System, Work, records
from sqcli.theories import JUMP, SWEEP, Theory

TABLES = "real[::1], uint64[::1], uint32[::1], float64[::1], uint64[::1], uint64, int64, int64"


@kernel(f"void(FunctionType({JUMP}), {TABLES}, float64, float64[::1], float64, boolean, real[:, ::1], float64[:, ::1])")
def tuned_chain(
    jump, sites, geometry, neighbours, couplings, key, first, updates, every, widest, tuning, target, tune, fields,
    stats,
):  # fmt: skip
    """Make `updates` sweeps of proposals in place; statistics: the acceptance since the row before, and the width."""
    if not tune:
        _tuning.freeze(tuning)
    rate = 0.0
    for u in range(updates):
        acceptance = jump(sites, geometry, neighbours, couplings, tuning[_tuning.STEP], first + np.uint64(u), key)
        if tune:
            _tuning.learn_width(tuning, acceptance, target, widest)
        rate += acceptance
        if (u + 1) % every == 0:
            fields[u // every] = sites
            stats[u // every, 0], stats[u // every, 1] = rate / every, tuning[_tuning.STEP]
            rate = 0.0


@kernel(f"void(FunctionType({SWEEP}), {TABLES}, real[:, ::1], float64[::1])")
def plain_chain(sweep, sites, geometry, neighbours, couplings, key, first, updates, every, fields, rates):
    """Make `updates` sweeps in place; `rates` takes the acceptance since the row before."""
    rate = 0.0
    for u in range(updates):
        rate += sweep(sites, geometry, neighbours, couplings, first + np.uint64(u), key)
        if (u + 1) % every == 0:
            fields[u // every] = sites
            rates[u // every] = rate / every
            rate = 0.0


class Sweeps(InPlace):
    """Base of the algorithms whose updates are sweeps without anything to tune."""

    @abstractmethod
    def sweep(self, theory: Theory) -> Kernel:
        """Return the theory's kernel of one sweep."""

    def stats(self) -> tuple[str, ...]:
        """Names of statistics; there are none, for nothing is rejected."""
        return ()

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state before the first sweep, with nothing to learn."""
        return State(field, 0, np.zeros(0))

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` sweeps."""
        system, (fields, stats) = work.system, records(work.system, updates // every, 1)
        plain_chain(system.dtype)(
            self.sweep(system.theory)(system.dtype), work.sites, system.geometry, system.neighbours, system.couplings,
            work.stream.key, work.first, updates, every, fields, stats[:, 0],
        )  # fmt: skip
        return fields, stats[:, : len(self.stats())]


def missing(algorithm: str, ability: str, system: System) -> UsageError:
    """Make the error of a theory without the ability that an algorithm needs."""
    return UsageError(f"{algorithm} needs {ability}, which {type(system.theory).__name__} does not have; use hmc")
