"""Chains of sweeps that a theory brings itself: of proposals, with a width to tune, or without anything to tune."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.jit import Kernel, jit, kernel
from sqcli.mcmc import _tuning
from sqcli.mcmc._actions import actions
from sqcli.mcmc._base import InPlace, Kept, State, System, Work, records
from sqcli.theories import JUMP, SWEEP, Theory

TABLES = "real[::1], uint64[::1], uint32[::1], float64[::1], uint64[::1], uint64, int64, int64"
KINDS = 3  # of sweeps that take turns in compiled code


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


@jit(inline="always")
def some(sweep, count, sites, geometry, neighbours, couplings, number, key):
    """Make `count` sweeps of one kind, the first with this number; returns how much they accepted."""
    total = 0.0
    for i in range(count):
        total += sweep(sites, geometry, neighbours, couplings, number + np.uint64(i), key)
    return total


@kernel(f"void({', '.join(KINDS * [f'FunctionType({SWEEP})'])}, int64[::1], {TABLES}, real[:, ::1], float64[:, ::1])")
def take_turns(
    one, two, three, counts, sites, geometry, neighbours, couplings, key, first, updates, every, fields, totals
):  # fmt: skip
    """Make `updates` times counts[0] sweeps of the first kind, counts[1] of the second, counts[2] of the third.

    The number of the first sweep is `first`; `totals` takes what each kind accepted since the row before.
    """
    a, b, c, number = 0.0, 0.0, 0.0, first
    for u in range(updates):
        a += some(one, counts[0], sites, geometry, neighbours, couplings, number, key)
        number += np.uint64(counts[0])
        b += some(two, counts[1], sites, geometry, neighbours, couplings, number, key)
        number += np.uint64(counts[1])
        c += some(three, counts[2], sites, geometry, neighbours, couplings, number, key)
        number += np.uint64(counts[2])
        if (u + 1) % every == 0:
            fields[u // every] = sites
            totals[u // every, 0], totals[u // every, 1], totals[u // every, 2] = a, b, c
            a, b, c = 0.0, 0.0, 0.0


class Sweeps(InPlace):
    """Base of the algorithms whose updates are sweeps without anything to tune.

    Attributes:
        rates: name of the acceptance, where a sweep can be rejected.
    """

    rates: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def sweep(self, theory: Theory) -> Kernel:
        """Return the theory's kernel of one sweep."""

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics: the action of the draw, and the acceptance since the draw before."""
        return ("action", *self.rates)

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state before the first sweep, with nothing to learn."""
        return State(field, 0, np.zeros(0))

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` sweeps."""
        return with_actions(work.system, *run([(self, 1)], work, updates, every))


def run(members: Sequence[tuple[Sweeps, int]], work: Work, updates: int, every: int) -> Kept:
    """Make `updates` times the numbers of sweeps that come with the algorithms, KINDS of them at most.

    The statistics are the `rates` of the algorithms.
    """
    system, unused = work.system, KINDS - len(members)
    sweeps = [algorithm.sweep(system.theory)(system.dtype) for algorithm, _ in members]
    counts = np.array([count for _, count in members] + unused * [0])
    fields, totals = records(system, updates // every, KINDS)
    take_turns(system.dtype)(
        *sweeps, *unused * sweeps[:1], counts, work.sites, system.geometry, system.neighbours, system.couplings,
        work.stream.key, work.first, updates, every, fields, totals,
    )  # fmt: skip
    stated = [kind for kind, (algorithm, _) in enumerate(members) if algorithm.rates]
    return fields, totals[:, stated] / (every * counts[stated])


def with_actions(system: System, fields: NDArray[Any], stats: NDArray[np.float64]) -> Kept:
    """Put the actions of kept fields before their other statistics."""
    return fields, np.column_stack([actions(system, fields), stats])


def missing(algorithm: str, ability: str, system: System) -> UsageError:
    """Make the error of a theory without the ability that an algorithm needs."""
    return UsageError(f"{algorithm} needs {ability}, which {type(system.theory).__name__} does not have; use hmc")
