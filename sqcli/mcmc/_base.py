"""Interface of the algorithms: `init` and `step` over frozen dataclasses, with randomness as an argument.

`step` advances one chain by a number of updates and returns the new state and a trace of the kept ones; it is pure:
the same state and stream give the same result, in one call or in many. Update u (from 1) uses the random numbers
of counter u, so that a chain can go on anywhere.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.exactness import Exactness as Exactness
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.theories import GaussianReference, HolomorphicAction, Theory

Auto = Literal["auto"]
CACHE_LINE = 64
Kept = tuple[NDArray[Any], NDArray[np.float64]]  # flat configurations (n, size) and their statistics (n, columns)


@dataclass(frozen=True)
class System:
    """A theory on a lattice in one precision, with the tables that the kernels need."""

    theory: Theory
    lattice: Lattice
    dtype: str = "float64"

    @cached_property
    def components(self) -> int:
        """Real numbers per site that the kernels see of a field."""
        return self.theory.manifold.components(self.lattice)

    @cached_property
    def momenta(self) -> int:
        """Real numbers per site of a tangent vector, such as a momentum."""
        return math.prod(self.theory.manifold.tangent(self.lattice)) // self.lattice.volume

    @cached_property
    def geometry(self) -> NDArray[np.uint64]:
        """Table of the padded layout, see `Lattice.geometry`."""
        return self.lattice.geometry(self.components, self.momenta)

    @cached_property
    def neighbours(self) -> NDArray[np.uint32]:
        """Neighbours of each site in the flat layout, see `Lattice.neighbours`."""
        return self.lattice.neighbours()

    @cached_property
    def steps(self) -> tuple[NDArray[np.uint16], NDArray[np.uint64], NDArray[np.uint64]]:
        """Neighbours as small steps, for walks through fields larger than a cache, see `Lattice.steps`."""
        return self.lattice.steps()

    @cached_property
    def couplings(self) -> NDArray[np.float64]:
        """Numbers of the theory as its kernels take them."""
        return self.theory.couplings(self.lattice)

    @cached_property
    def reference(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Couplings and spectrum of the Gaussian that `GaussianReference` theories are annealed from."""
        assert isinstance(self.theory, GaussianReference)
        return self.theory.reference(self.lattice)

    @property
    def size(self) -> int:
        """Real numbers of one configuration as the kernels see it."""
        return self.components * self.lattice.volume

    def sites(self, field: NDArray[Any]) -> NDArray[Any]:
        """Copy a configuration (*site) into the flat layout of the kernels, (size,)."""
        planes = self.theory.manifold.planes(field[None], self.lattice)
        return np.array(planes, self.dtype, order="C").reshape(-1)

    def field(self, sites: NDArray[Any]) -> NDArray[Any]:
        """Take a configuration (*site) back from the flat layout, (size,)."""
        return np.asarray(self.fields(sites[None])[0])

    def fields(self, sites: NDArray[Any]) -> NDArray[Any]:
        """Take configurations (n, *site) back from the flat layout, (n, size)."""
        planes = sites.reshape(len(sites), self.components, *self.lattice.extents)
        return self.theory.manifold.from_planes(planes, self.lattice)

    def buffers(self, count: int) -> NDArray[Any]:
        """Allocate `count` padded fields of zeros, each with its first inner site at the start of a cache line."""
        line = CACHE_LINE // np.dtype(self.dtype).itemsize
        size = self.components * self.lattice.padded_volume
        width = -(-size // line) * line + line  # an odd line apart, so that equal sites do not share a cache set
        memory = np.zeros(count * width + 2 * line, self.dtype)
        offset = -(memory.ctypes.data // memory.itemsize + sum(self.lattice.strides)) % line
        return memory[offset : offset + count * width].reshape(count, width)


@dataclass(frozen=True)
class State:
    """A chain between two updates.

    Attributes:
        field: configuration of shape `site`.
        update: number of updates done, warm-up included.
        tuning: numbers learnt from this chain's warm-up; their meaning is the algorithm's.
    """

    field: NDArray[Any]
    update: int
    tuning: NDArray[np.float64]

    def after(self, updates: int, field: NDArray[Any], tuning: NDArray[np.float64] | None = None) -> "State":
        """Return the state `updates` later; a `tuning` of its own, a copy where none is given."""
        learnt = self.tuning.copy() if tuning is None else tuning
        return State(field, self.update + updates, learnt)


@dataclass(frozen=True)
class Trace:
    """Kept configurations of a `step`, (n, *site), and the statistics that go with them, (n,) each."""

    fields: NDArray[Any]
    stats: Mapping[str, NDArray[np.float64]]

    def kept(self, mask: NDArray[np.bool_]) -> "Trace":
        """Return the rows where `mask` is true."""
        return Trace(self.fields[mask], {name: values[mask] for name, values in self.stats.items()})


@dataclass(frozen=True)
class Work:
    """One configuration and what belongs to it, to be changed in place.

    Attributes:
        sites: the configuration in the flat layout of the kernels, (size,).
        tuning: numbers learnt from the warm-up.
        stream: random numbers of the chain.
        first: number of the first update.
    """

    system: System
    sites: NDArray[Any]
    tuning: NDArray[np.float64]
    stream: Stream
    first: int


class Algorithm(Protocol):
    """Interface of an algorithm, a frozen dataclass of its parameters."""

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError when the theory lacks an ability, or tuning was asked for without warm-up."""

    def exactness(self) -> Exactness:
        """Say whether the chain's distribution is the theory's, and why."""

    def keeps_target(self) -> bool:
        """Tell whether an update takes e^{−S} to itself, also where it does not reach every configuration."""

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics in `Trace.stats`."""

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state before the first update; `warmup` is the number of updates with tuning to come."""

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """Advance by `updates` and keep each state whose update, counted from this call, is a multiple of `every`."""


class InPlace(Algorithm, ABC):
    """Base of the algorithms whose updates change one configuration in place."""

    def keeps_target(self) -> bool:
        """Return True: updates take e^{−S} to itself."""
        return True

    @abstractmethod
    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` updates of the sites and the tuning record of `work`; every `every`-th is kept."""

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """Advance by `updates`, see `Algorithm.step`."""
        work = Work(system, system.sites(state.field), state.tuning.copy(), stream, state.update + 1)
        fields, stats = self.run(work, updates, every, tune)
        return state.after(updates, system.field(work.sites), work.tuning), trace(system, fields, self.stats(), stats)


def require_warmup(value: float | Auto, warmup: int, name: str) -> None:
    """Raise UsageError when `value` is to be tuned and there is no warm-up to tune it in."""
    if value == "auto" and warmup == 0:
        raise UsageError(f"{name}=auto is tuned during warm-up: give --warmup, or a number for {name}")


def require_real_action(system: System) -> None:
    """Raise UsageError for a theory whose action is complex."""
    if isinstance(system.theory, HolomorphicAction):
        raise UsageError("the action is complex, and no probability is exp(-S); use complex_langevin")


def require_positive_or_auto(name: str, value: float | Auto) -> None:
    """Raise ValueError for a number that is not positive."""
    if value != "auto" and value <= 0:
        raise ValueError(f"{name} must be positive or auto, not {value}")


def require_target(acceptance: float) -> None:
    """Raise ValueError for a `target_acceptance` that no chain can have."""
    if not 0 < acceptance < 1:
        raise ValueError(f"target_acceptance must be in (0, 1), not {acceptance}")


def records(system: System, count: int, columns: int) -> Kept:
    """Allocate arrays for `count` kept configurations, flat, and their statistics."""
    return np.empty((count, system.size), system.dtype), np.empty((count, columns))


def trace(system: System, fields: NDArray[Any], names: tuple[str, ...], stats: NDArray[np.float64]) -> Trace:
    """Make a trace of filled records."""
    return Trace(system.fields(fields), dict(zip(names, stats.T, strict=True)))


def join(traces: Sequence[Trace]) -> Trace:
    """Concatenate the traces of consecutive steps."""
    stats = {name: np.concatenate([t.stats[name] for t in traces]) for name in traces[0].stats}
    return Trace(np.concatenate([t.fields for t in traces]), stats)
