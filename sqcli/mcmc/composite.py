"""Composite updates: algorithms one after the other, `updates=heatbath:1,overrelaxation:4`, again and again.

Each member takes e^{−S} to itself, and so does the whole; it reaches every configuration where one of the members does.
Parameters of a member are given as `hmc.step_size`, and each member tunes itself in the warm-up. Update k of the T in a
composite update u uses the random numbers of update (u − 1)T + k.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.mcmc._base import Exactness, InPlace, Kept, State, System, Work, records
from sqcli.mcmc._members import Member, parse, split
from sqcli.mcmc._sweeps import KINDS, Sweeps, with_actions
from sqcli.mcmc._sweeps import run as run_sweeps
from sqcli.parameters import to_mapping

LAST = ("accepted", "delta_h", "step_size", "width")  # statistics of the last update; the others are means
ACTION = "action"  # a member's is not that of the draw, when others come after it


@dataclass(frozen=True)
class Composite(InPlace):
    """Updates of several algorithms in turn.

    Attributes:
        updates: algorithms and their numbers of updates, `hmc:1,overrelaxation:4`.
    """

    updates: str
    _parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for member in self.members:
            if not isinstance(member.algorithm, InPlace) or not member.algorithm.keeps_target():
                raise ValueError(f"{member.name} with these parameters cannot be a member of a composite")
        stated = {f"{p.name}.{key}": value for p in self.members for key, value in to_mapping(p.algorithm).items()}
        object.__setattr__(self, "updates", ",".join(f"{member.name}:{member.updates}" for member in self.members))
        object.__setattr__(self, "_parameters", stated)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Algorithms in their order, with their parameters and numbers of updates."""
        counts = parse([self.updates], "updates")
        _, theirs = split(self._parameters, [name for name, _ in counts], "{0} is not among the updates")
        return tuple(Member.build(name, count, theirs[name]) for name, count in counts)

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when a member cannot work on the system."""
        for member in self.members:
            member.algorithm.check(system, warmup)

    def exactness(self) -> Exactness:
        """Return `exact` where one of the members is."""
        if any(member.algorithm.exactness().status == "exact" for member in self.members):
            return Exactness("exact", f"each of {self.updates} leaves exp(-S) invariant")
        return Exactness("uncorrected", f"none of {self.updates} reaches every configuration by itself")

    def stats(self) -> tuple[str, ...]:
        """Name the action and the members' statistics, the member's name before those that several members have."""
        every = [name for _, name in self._columns]
        theirs = (name if every.count(name) == 1 else f"{member.name}_{name}" for member, name in self._columns)
        return (ACTION, *theirs)

    @cached_property
    def _columns(self) -> tuple[tuple[Member, str], ...]:
        return tuple((member, name) for member in self.members for name in member.algorithm.stats() if name != ACTION)

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state before the first update; its record is those of the members, end to end."""
        states = [member.algorithm.init(system, field, warmup * member.updates) for member in self.members]
        lengths = np.array([len(state.tuning) for state in states], np.float64)
        return State(field, 0, np.concatenate([lengths, *(state.tuning for state in states)]))

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` composite updates; sweeps alone, all in one piece."""
        first = (work.first - 1) * sum(member.updates for member in self.members) + 1
        sweeps = [(m.algorithm, m.updates) for m in self.members if isinstance(m.algorithm, Sweeps)]
        work = replace(work, first=first)
        if len(sweeps) == len(self.members) <= KINDS:
            return with_actions(work.system, *run_sweeps(sweeps, work, updates, every))
        return with_actions(work.system, *self._in_turn(work, updates, every, tune))

    def _in_turn(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make them one by one; the number of the first is that of `work`."""
        fields, stats = records(work.system, updates // every, len(self._columns))
        mean = np.array([name not in LAST for _, name in self._columns])
        total = np.zeros(len(mean))
        for u in range(updates):
            row = np.concatenate(list(self._once(work, u, tune)))
            total = np.where(mean, total + row / every, row)
            if (u + 1) % every == 0:
                fields[u // every], stats[u // every] = work.sites, total
                total = np.zeros(len(mean))
        return fields, stats

    def _once(self, work: Work, u: int, tune: bool) -> Iterator[NDArray[np.float64]]:
        """Make one update of each member; yields the member's columns."""
        count = sum(member.updates for member in self.members)
        number, learnt = work.first + u * count, len(self.members)
        for member, length in zip(self.members, work.tuning[:learnt].astype(int), strict=False):
            own = replace(work, first=number, tuning=work.tuning[learnt : learnt + length])
            yield _update(member, own, tune)
            number, learnt = number + member.updates, learnt + length


def _update(member: Member, work: Work, tune: bool) -> NDArray[np.float64]:
    """Make the updates of a member; returns its statistics but for the action."""
    algorithm, count = member.algorithm, member.updates
    if isinstance(algorithm, Sweeps):
        return np.asarray(run_sweeps([(algorithm, count)], work, 1, 1)[1][0])
    assert isinstance(algorithm, InPlace)
    stats = algorithm.run(work, count, count, tune)[1][0]
    return np.asarray(stats[[name != ACTION for name in algorithm.stats()]])
