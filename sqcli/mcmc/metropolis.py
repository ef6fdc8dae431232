"""Local Metropolis (Metropolis et al., J. Chem. Phys. 21, 1087, 1953): one update is a sweep of one proposal a site."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.jit import kernel
from sqcli.lattice.philox import Stream
from sqcli.mcmc import _local, _tuning
from sqcli.mcmc._base import (
    Auto,
    Exactness,
    State,
    System,
    Trace,
    records,
    require_positive_or_auto,
    require_target,
    require_warmup,
    trace,
)
from sqcli.theories import LOCAL, LocalUpdates

STATS = ("acceptance_rate", "width")


@kernel(
    f"void(FunctionType({LOCAL}), real[::1], uint32[::1], float64[::1], uint64[::1], uint64, int64, int64, "
    "uint32[::1], float64, float64[::1], float64, boolean, real[:, ::1], float64[:, ::1])"
)
def chain(
    local_change, sites, neighbours, couplings, key, first, updates, every, visits, period, tuning, target, tune,
    fields, stats,
):  # fmt: skip
    """Make `updates` sweeps of `sites` in place."""
    proposals, decisions = np.empty(sites.size), np.empty(sites.size)
    if not tune:
        _tuning.freeze(tuning)
    rate = 0.0
    for u in range(updates):
        acceptance = _local.sweep(
            local_change, sites, neighbours, couplings, visits, period, tuning[_tuning.STEP], proposals, decisions,
            first + np.uint64(u), np.uint64(0), key,
        )  # fmt: skip
        if tune:
            _tuning.learn(tuning, acceptance, target)
            if period > 0.0:  # half a period reaches everything; at weak coupling every width is accepted
                tuning[_tuning.STEP] = min(tuning[_tuning.STEP], 0.5 * period)
                tuning[_tuning.AVERAGE] = min(tuning[_tuning.AVERAGE], math.log(0.5 * period))
        rate += acceptance
        if (u + 1) % every == 0:
            fields[u // every] = sites
            stats[u // every, 0], stats[u // every, 1] = rate / every, tuning[_tuning.STEP]
            rate = 0.0


@dataclass(frozen=True)
class Metropolis:
    """Metropolis with proposals uniform in φ + width·[−1, 1).

    Attributes:
        width: a number, or "auto": tuned during warm-up to `target_acceptance`, then frozen.
        order: checkerboard (even sites, then odd ones), or random sites.
        target_acceptance: acceptance that "auto" aims at.
    """

    width: float | Auto = "auto"
    order: Literal["checkerboard", "random"] = "checkerboard"
    target_acceptance: float = 0.5

    def __post_init__(self) -> None:
        require_positive_or_auto("width", self.width)
        require_target(self.target_acceptance)

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when the theory has no local updates, or tuning lacks warm-up."""
        if not isinstance(system.theory, LocalUpdates):
            raise UsageError(f"metropolis needs local updates, which {type(system.theory).__name__} does not have")
        require_warmup(self.width, warmup, "width")

    def exactness(self) -> Exactness:
        """Return `exact`: every proposal is accepted or rejected."""
        return Exactness("exact", "every local proposal corrected by Metropolis accept/reject")

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics: the acceptance since the draw before, and the width."""
        return STATS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state of a chain that has learnt nothing."""
        return State(field, 0, _tuning.start(1.0 if self.width == "auto" else self.width))

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """Make `updates` sweeps."""
        sites, tuning = system.sites(state.field), state.tuning.copy()
        fields, stats = records(system, updates // every, len(STATS))
        assert isinstance(system.theory, LocalUpdates)
        chain(system.dtype)(
            system.theory.local_change(system.dtype), sites, system.neighbours, system.couplings,
            stream.key, state.update + 1, updates, every, _local.visits(system, self.order),
            system.theory.period, tuning, self.target_acceptance, tune and self.width == "auto",
            fields, stats,
        )  # fmt: skip
        return state.after(updates, system.field(sites), tuning), trace(system, fields, STATS, stats)
