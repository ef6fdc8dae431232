"""Fourier-accelerated Hybrid Monte Carlo: momenta with M(k) = p̂² + m_eff² (Duane et al., PLB 195, 216, 1987)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.philox import Stream
from sqcli.mcmc import _fourier, _pilot, _trajectory, _tuning
from sqcli.mcmc._base import (
    Auto,
    Exactness,
    State,
    System,
    Trace,
    join,
    records,
    require_positive_or_auto,
    require_real_action,
    require_warmup,
    trace,
)

ALIASES = ("fa-hmc",)
BATCH = 16  # configurations of the pilot held at a time


@dataclass(frozen=True)
class FAHMC(_trajectory.MolecularDynamics):
    """HMC with a mass for every wave length.

    Attributes:
        m_eff2: m_eff² of the momentum kernel, or "auto": from G(k) in the first half of the warm-up.
    """

    m_eff2: float | Auto = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive_or_auto("m_eff2", self.m_eff2)

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError where momenta cannot be added to the field, or tuning or the pilot lack warm-up."""
        require_real_action(system)
        if system.momenta != system.components:
            name = system.theory.manifold.name
            raise UsageError(f"fahmc filters momenta by their wave number, which {name} links do not allow; use hmc")
        require_warmup(self.step_size, warmup, "step_size")
        require_warmup(self.m_eff2, warmup, "m_eff2")

    def exactness(self) -> Exactness:
        """Return `exact`: accept/reject corrects the trajectories."""
        return Exactness(
            "exact", "accelerated molecular dynamics corrected by Metropolis accept/reject on exp(-delta_h)"
        )

    def keeps_target(self) -> bool:
        """Return True: accept/reject corrects the trajectories."""
        return True

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics, the same as for `hmc`."""
        return _trajectory.COLUMNS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state of a chain that has learnt neither step nor mass."""
        mass = None if self.m_eff2 == "auto" else self.m_eff2
        return State(field, 0, np.concatenate([_tuning.start(self.first_step), _pilot.record(mass, warmup)]))

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """Make `updates` trajectories, the pilot's in batches, so that it sees them all and ends on time."""
        traces, due = [], updates
        while tune and due and _pilot.left(state):
            batch = min(due, BATCH, _pilot.left(state))
            state, seen = self._run(system, state, stream, batch, 1, True)
            _pilot.observe(state, seen.fields, system.lattice)
            if not _pilot.left(state):
                state = self._concluded(system, state)
            done = updates - due
            traces.append(seen.kept(np.arange(done + 1, done + batch + 1) % every == 0))
            due -= batch
        state, seen = self._run(system, state, stream, due, every, tune)
        return state, join([*traces, seen])

    def _concluded(self, system: System, state: State) -> State:
        """Begin the next stage, or end the pilot, with the mass that this one found and a step still to be learnt."""
        mass = _pilot.mass(state.tuning, system.lattice)
        record = _pilot.stage(mass, int(state.tuning[_pilot.NEXT]), 0)
        return State(state.field, state.update, np.concatenate([_tuning.start(self.first_step), record]))

    def _run(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        sites, tuning = system.sites(state.field), state.tuning.copy()
        fields, stats = records(system, updates // every, len(self.stats()))
        metric = _fourier.Metric(system.lattice, float(tuning[_pilot.MASS]))
        _fourier.chain(system.dtype)(
            system.theory.flow(system.dtype), system.theory.finish(system.dtype), sites,
            system.buffers(4), system.geometry, system.couplings, stream.key, state.update + 1, updates, every,
            *self.kicks_and_drifts, self.jitter, tuning, self.target_acceptance,
            tune and self.step_size == "auto", *metric.tables(), fields, stats,
        )  # fmt: skip
        return state.after(updates, system.field(sites), tuning), trace(system, fields, self.stats(), stats)
