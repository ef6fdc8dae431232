"""Local Metropolis (Metropolis et al., J. Chem. Phys. 21, 1087, 1953): one update is a sweep of one proposal a site."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.jit import kernel
from sqcli.mcmc import _local, _sweeps, _tuning
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
    require_target,
    require_warmup,
)
from sqcli.theories import LOCAL, LocalUpdates, SweepProposals

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
        if tune:  # half a period reaches everything; at weak coupling every width is accepted
            _tuning.learn_width(tuning, acceptance, target, 0.5 * period)
        rate += acceptance
        if (u + 1) % every == 0:
            fields[u // every] = sites
            stats[u // every, 0], stats[u // every, 1] = rate / every, tuning[_tuning.STEP]
            rate = 0.0


@dataclass(frozen=True)
class Metropolis(InPlace):
    """Metropolis with proposals uniform in φ + width·[−1, 1); matrices turn by such numbers along each generator.

    Attributes:
        width: a number, or "auto": tuned during warm-up to `target_acceptance`, then frozen.
        order: checkerboard (even sites, then odd ones), or random sites; matrices are visited in turn.
        target_acceptance: acceptance that "auto" aims at.
    """

    width: float | Auto = "auto"
    order: Literal["checkerboard", "random"] = "checkerboard"
    target_acceptance: float = 0.5

    def __post_init__(self) -> None:
        require_positive_or_auto("width", self.width)
        require_target(self.target_acceptance)

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when the theory has no local updates, or none in this order, or tuning lacks warm-up."""
        if not isinstance(system.theory, LocalUpdates | SweepProposals):
            raise UsageError(f"metropolis needs local updates, which {type(system.theory).__name__} does not have")
        if self.order == "random" and not isinstance(system.theory, LocalUpdates):
            raise UsageError("order=random is for fields of real numbers; matrices are visited in turn")
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

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` sweeps."""
        system, theory, kept = work.system, work.system.theory, records(work.system, updates // every, len(STATS))
        tune = tune and self.width == "auto"
        if isinstance(theory, LocalUpdates):
            chain(system.dtype)(
                theory.local_change(system.dtype), work.sites, system.neighbours, system.couplings, work.stream.key,
                work.first, updates, every, _local.visits(system, self.order), theory.period, work.tuning,
                self.target_acceptance, tune, *kept,
            )  # fmt: skip
        elif isinstance(theory, SweepProposals):
            _sweeps.tuned_chain(system.dtype)(
                theory.jump(system.dtype), work.sites, system.geometry, system.neighbours, system.couplings,
                work.stream.key, work.first, updates, every, theory.widest, work.tuning, self.target_acceptance, tune,
                *kept,
            )  # fmt: skip
        return kept
