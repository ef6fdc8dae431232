"""Chain of an algorithm: warm-up, draws, and all that has to be saved to go on bit for bit.

A chain tunes during the first three quarters of its warm-up and is frozen in the last. The mean action of the last two
quarters is compared at the end: a chain that still orders itself shows a drift, also when a single draw of it is kept.
"""

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.lattice.philox import Stream
from sqcli.mcmc import State, Trace
from sqcli.runs.generation.spec import RunSpec

SAMPLES = 64  # actions looked at in a quarter of the warm-up
STARTS = 1024  # most configurations to start from that are checked before a run


@dataclass(frozen=True)
class Chain:
    """Chain: its state, and Σ S/V with the number of terms in the third and in the last quarter of warm-up."""

    stream: Stream
    state: State
    quarters: tuple[float, ...] = field(default=(0.0, 0.0, 0.0, 0.0))

    def saved(self) -> bytes:
        """Write all but the field, for the checkpoint; Python writes floats so that they come back exactly."""
        values = {"update": self.state.update, "tuning": self.state.tuning.tolist(), "quarters": self.quarters}
        return json.dumps(values).encode()

    @classmethod
    def restored(cls, stream: Stream, configuration: NDArray[Any], saved: bytes) -> "Chain":
        """Read a chain from its field and from what `saved` wrote."""
        values = json.loads(saved)
        state = State(configuration, int(values["update"]), np.array(values["tuning"], dtype=np.float64))
        return cls(stream, state, tuple(values["quarters"]))

    @property
    def drift(self) -> float:
        """Mean S/V of the last quarter of the warm-up minus that of the third; NaN where one is empty."""
        third, n_third, last, n_last = self.quarters
        return last / n_last - third / n_third if n_third and n_last else float("nan")


def first_chain(spec: RunSpec, number: int) -> Chain:
    """Make chain `number` as it is before its first update."""
    stream = spec.streams.chain(number)
    start = np.ascontiguousarray(_start_field(spec, stream), dtype=spec.stored_dtype)
    return Chain(stream, spec.algorithm_instance.init(spec.system, start, spec.warmup))


def _start_field(spec: RunSpec, stream: Stream) -> NDArray[Any]:
    """Make the configuration that a chain starts from."""
    manifold, lattice = spec.theory_instance.manifold, spec.system.lattice
    if spec.start.kind == "hot":
        return manifold.hot(lattice, stream)
    if spec.start.kind == "cold":
        return manifold.cold(lattice)
    return _last_of(spec, stream.chain)


def require_start(spec: RunSpec) -> None:
    """Check the configurations that chains will start from, before anything is made.

    Raises:
        SqcliError: they are another theory's or lattice's, or not finite.
    """
    if spec.start.ensemble is not None:
        for number in range(min(spec.chains, STARTS)):
            _last_of(spec, number)


def _last_of(spec: RunSpec, number: int) -> NDArray[Any]:
    """Read the draw of another ensemble that chain `number` starts from.

    Chain c starts from a late draw of chain c mod C, one draw earlier each time the C chains are used up.
    """
    manifold = spec.theory_instance.manifold
    source = _source(str(spec.start.ensemble), spec.start.identity, manifold.field, manifold.site(spec.system.lattice))
    last = int(spec.start.draws or 0) - 1
    chain, draw = number % source.chains, (last - number // source.chains) % (last + 1)
    field = np.asarray(source.fields(chain, draw, draw + 1)[0])
    if not np.isfinite(field).all():
        raise SqcliError(f"{source.path}: draw {draw} of chain {chain} is not finite: no start for a run")
    return field


@lru_cache(maxsize=2)
def _source(path: str, identity: str | None, field: str, site: tuple[int, ...]) -> store.Ensemble:
    """Open the ensemble that chains start from, once for all of them."""
    source = store.open_ensemble(path)
    if (source.layout.field, source.layout.site) != (field, site):
        there = f"{source.layout.field} of shape {_extents(source.layout.site)}"
        raise SqcliError(f"{path}: it holds {there}, the run needs {field} of shape {_extents(site)}")
    if source.attrs.get("identity") != identity:
        raise SqcliError(f"{path}: is no longer the ensemble this run started from")
    return source


def _extents(site: tuple[int, ...]) -> str:
    return "x".join(map(str, site))


def warm_up(spec: RunSpec, chain: Chain, updates: int) -> Chain:
    """Advance a chain by `updates` of its warm-up, or to the end of the present quarter where that is nearer."""
    edges = [quarter * spec.warmup // 4 for quarter in (1, 2, 3, 4)]
    quarter = next(i for i, edge in enumerate(edges) if chain.state.update < edge)
    updates = min(updates, edges[quarter] - chain.state.update)
    every = sampling(spec)
    state, seen = spec.algorithm_instance.step(spec.system, chain.state, chain.stream, updates, every, quarter < 3)
    return replace(chain, state=state, quarters=_added(spec, chain.quarters, seen, 2 * (quarter - 2)))


def sampling(spec: RunSpec) -> int:
    """Return the updates between two looks at the action, which divide the pieces of the warm-up."""
    return max(1, spec.warmup // 4 // SAMPLES)


def _added(spec: RunSpec, quarters: tuple[float, ...], seen: Trace, where: int) -> tuple[float, ...]:
    """Add (the real parts of) the actions seen to Σ S/V of a quarter, at index `where`; below 0 nothing is added."""
    if where < 0:
        return quarters
    sums = list(quarters)
    actions = seen.stats.get("action")
    for action in spec.theory_instance.action(seen.fields, spec.system.lattice) if actions is None else actions:
        sums[where] += float(np.real(action)) / spec.system.lattice.volume
        sums[where + 1] += 1
    return tuple(sums)


def draw(spec: RunSpec, chain: Chain, draws: int) -> tuple[Chain, Trace]:
    """Make the next `draws` draws of a chain."""
    updates = draws * spec.every
    state, seen = spec.algorithm_instance.step(spec.system, chain.state, chain.stream, updates, spec.every, False)
    stats = {**seen.stats, "warmup_drift": np.full(draws, chain.drift)}
    return replace(chain, state=state), Trace(seen.fields, stats)
