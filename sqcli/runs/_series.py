"""Series per draw: from the statistics of the run, from what is kept, or computed in one pass and then kept.

Only draws that are committed when the ensemble is opened count, and of these only the missing ones are computed. A
series that cannot be kept (read-only ensemble, full disk) is used all the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import __version__, parameters, store
from sqcli.errors import DamageError, SqcliError
from sqcli.observables._base import Observable
from sqcli.runs._chosen import observable
from sqcli.runs._opened import Opened

Array = NDArray[Any]
Progress = Callable[[int, int], None]
BLOCK_BYTES = 8 * 2**20
KEEP_BYTES = 64 * 2**20  # results that wait to be written


@dataclass
class Growing:
    """A series being completed: `values` per chain with room for all draws, `done` of them there, `kept` on disk."""

    name: str
    computes: Observable
    values: list[Array]
    done: list[int]
    kept: list[int]
    attributes: dict[str, Any]

    @property
    def waiting(self) -> int:
        """Bytes computed and not yet kept."""
        rows = sum(self.done) - sum(self.kept)
        return rows * self.values[0].itemsize * int(np.prod(self.values[0].shape[1:]))

    def add(self, chain: int, first: int, rows: Array) -> None:
        """Rows of a chain from draw `first` on; what is there already is left alone."""
        done = self.done[chain]
        if self.values[chain].shape[1:] != rows.shape[1:] or self.values[chain].dtype != rows.dtype:
            self.values = [np.empty((len(v), *rows.shape[1:]), rows.dtype) for v in self.values]
        self.values[chain][done : first + len(rows)] = rows[done - first :]
        self.done[chain] = first + len(rows)

    def keep(self, opened: Opened) -> None:
        """Write what is new into the ensemble."""
        new = [v[k:d] for v, k, d in zip(self.values, self.kept, self.done, strict=True)]
        labels = self.computes.components(opened.lattice) if self.values[0].ndim > 1 else None
        path = opened.ensemble.path
        store.write_observable(path, self.name, new, start=self.kept, components=labels, attributes=self.attributes)
        self.kept = list(self.done)


def gather(opened: Opened, chosen: Iterable[Observable], progress: Progress | None = None) -> dict[str, list[Array]]:
    """Need ("observables/magnetization", "sample_stats/delta_h") -> its series, per chain (n_i,) or (n_i, m)."""
    needs = dict.fromkeys(need for instance in chosen for need in instance.needs)
    found: dict[str, list[Array]] = {}
    growing = []
    for need in needs:
        group, _, name = need.partition("/")
        if group == "sample_stats":
            found[need] = opened.ensemble.stat(name)
            continue
        computes = observable(name)
        if computes.statistic in opened.ensemble.stat_names:
            recorded = opened.ensemble.stat(str(computes.statistic))
            found[need] = [computes.from_statistic(values, opened.lattice) for values in recorded]
            continue
        growing.append(_resume(opened, name, computes))
    complete(opened, growing, progress)
    return found | {f"observables/{series.name}": series.values for series in growing}


def _resume(opened: Opened, name: str, computes: Observable) -> Growing:
    """The series as far as it is kept."""
    lengths = [int(n) for n in opened.ensemble.draws]
    attributes = {
        "estimator": computes.__class__.__name__,
        "definition": computes.definition,
        "options": parameters.to_mapping(computes),
        "code_version": __version__,
    }
    kept = store.read_observable(opened.ensemble.path, name)
    if kept is None or any(kept.attributes.get(key) != attributes[key] for key in ("definition", "options")):
        nothing = [0] * len(lengths)
        return Growing(name, computes, [np.empty(n) for n in lengths], nothing, list(nothing), attributes)
    there = [min(len(values), n) for values, n in zip(kept.values, lengths, strict=True)]
    if there == lengths:
        values = [v[:n] for v, n in zip(kept.values, lengths, strict=True)]
    else:
        values = [np.empty((n, *v.shape[1:]), v.dtype) for v, n in zip(kept.values, lengths, strict=True)]
        for room, old, n in zip(values, kept.values, there, strict=True):
            room[:n] = old[:n]
    return Growing(name, computes, values, there, list(there), attributes)


def complete(opened: Opened, growing: Sequence[Growing], progress: Progress | None = None) -> None:
    """Compute what is missing in one pass over the configurations, and keep it."""
    lengths = opened.ensemble.draws
    unfinished = [series for series in growing if (np.array(series.done) < lengths).any()]
    if not unfinished:
        return
    keeping, total, seen = True, int(lengths.sum()), 0
    for block in opened.ensemble.blocks(BLOCK_BYTES):
        _measure_block(opened, block, unfinished)
        if keeping and sum(series.waiting for series in unfinished) > KEEP_BYTES:
            keeping = _keep(opened, unfinished)
        seen += len(block.chains) * (block.stop - block.start)
        if progress is not None:
            progress(seen, total)
    if keeping:
        _keep(opened, unfinished)


def _measure_block(opened: Opened, block: store.Block, growing: Sequence[Growing]) -> None:
    firsts = [max(block.start, min(series.done[c] for c in block.chains)) for series in growing]
    if min(firsts) >= block.stop:
        return
    stored = opened.ensemble.read_block(block).fields
    fields = stored.reshape(len(block.chains), block.stop - block.start, *stored.shape[1:])
    fields = fields.astype(np.result_type(fields.dtype, np.float64), copy=False)
    for series, first in zip(growing, firsts, strict=True):
        missing = fields[:, first - block.start :]
        if not missing.shape[1]:
            continue
        rows = series.computes.series(missing.reshape(-1, *stored.shape[1:]), opened.model)
        rows = rows.reshape(len(block.chains), -1, *rows.shape[1:])
        for chain, part in zip(block.chains, rows, strict=True):
            series.add(chain, first, part)


def _keep(opened: Opened, growing: Sequence[Growing]) -> bool:
    """Write what waits; whether that goes on to make sense. Damage is not passed over."""
    try:
        for series in growing:
            series.keep(opened)
    except DamageError:
        raise
    except SqcliError:
        return False
    return True
