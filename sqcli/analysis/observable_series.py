"""Series per draw: from the statistics of the run, from what is kept, or computed in one pass and then kept.

Only draws that are committed when the ensemble is opened count, and of these only the missing ones are computed. A
series that cannot be kept (read-only ensemble, full disk) is used all the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import __version__, parameters, store
from sqcli.analysis._series_table import Table
from sqcli.analysis.ensemble import LOG_WEIGHT, Opened
from sqcli.analysis.selection import observable
from sqcli.errors import DamageError, SqcliError
from sqcli.observables import Observable

Array = NDArray[Any]
Progress = Callable[[int, int], None]
BLOCK_BYTES = 8 * 2**20
KEEP_BYTES = 64 * 2**20  # results that wait to be written
LARGE = 96 * 2**20  # a series that is not held in memory once it is kept
NOTHING = slice(0, 0)
WEIGHTS = "weights"


@dataclass
class Growing:
    """A series being completed: its rows so far, and how many of each chain are kept on disk."""

    name: str
    computes: Observable
    table: Table
    kept: list[int]
    attributes: dict[str, Any]

    @property
    def waiting(self) -> int:
        """Bytes computed and not yet kept."""
        return (sum(self.table.done) - sum(self.kept)) * _row_bytes(self.table.empty)

    def keep(self, opened: Opened) -> None:
        """Write what is new into the ensemble, and let go of it where it is large."""
        ensemble, empty = opened.ensemble, self.table.empty
        labels = self.computes.components(opened.lattice) if empty.ndim > 1 else None
        new = self.table.since(self.kept)
        store.write_observable(
            ensemble.path, self.name, new, start=self.kept, components=labels, attributes=self.attributes
        )
        self.kept = self.table.done
        if int(ensemble.draws.sum()) * _row_bytes(empty) > LARGE:
            self.table.forget(partial(_read, opened, self.name))


def _row_bytes(empty: Array) -> int:
    return empty.itemsize * int(np.prod(empty.shape[1:]))


def _read(opened: Opened, name: str, columns: slice) -> Sequence[Array]:
    kept = store.read_observable(opened.ensemble.path, name, columns)
    return [] if kept is None else kept.values


def gather(opened: Opened, chosen: Iterable[Observable], progress: Progress | None = None) -> dict[str, Table]:
    """Need ("observables/magnetization", "sample_stats/delta_h") -> its series; log weights under `WEIGHTS`."""
    found = {WEIGHTS: Table.of(opened.ensemble.stat(LOG_WEIGHT))} if opened.weighted else {}
    growing = []
    for need in dict.fromkeys(need for instance in chosen for need in instance.needs):
        group, _, name = need.partition("/")
        if group == "sample_stats":
            found[need] = Table.of(opened.ensemble.stat(opened.statistic(need) or name))
            continue
        computes = observable(name)
        if computes.statistic in opened.ensemble.stat_names:
            recorded = opened.ensemble.stat(str(computes.statistic))
            found[need] = Table.of([computes.from_statistic(values, opened.lattice) for values in recorded])
            continue
        growing.append(_resume(opened, name, computes))
    complete(opened, growing, progress)
    return found | {f"observables/{series.name}": series.table for series in growing}


def _resume(opened: Opened, name: str, computes: Observable) -> Growing:
    """The series as far as it is kept."""
    lengths = [int(n) for n in opened.ensemble.draws]
    attributes = {
        "estimator": computes.__class__.__name__,
        "definition": computes.definition,
        "options": parameters.to_mapping(computes),
        "code_version": __version__,
    }
    kept = store.read_observable(opened.ensemble.path, name, NOTHING)
    if kept is None or any(kept.attributes.get(key) != attributes[key] for key in ("definition", "options")):
        table = Table.of([np.empty(0) for _ in lengths])
        return Growing(name, computes, table, [0] * len(lengths), attributes)
    there = [min(len(values), n) for values, n in zip(kept.values, lengths, strict=True)]
    width = 8 * len(kept.components or ("one",))
    if sum(there) * width > LARGE:
        table = Table(partial(_read, opened, name), there, [[] for _ in there], empty=kept.values[0][:0])
        table.empty = np.empty((0, len(kept.components or ())), kept.values[0].dtype)
    else:
        rows = store.read_observable(opened.ensemble.path, name)
        table = Table.of([v[:n] for v, n in zip(rows.values if rows else [], there, strict=True)])
    return Growing(name, computes, table, list(there), attributes)


def complete(opened: Opened, growing: Sequence[Growing], progress: Progress | None = None) -> None:
    """Compute what is missing in one pass over the configurations, and keep it."""
    lengths = opened.ensemble.draws
    unfinished = [series for series in growing if (np.array(series.table.done) < lengths).any()]
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
    done = [series.table.done for series in growing]
    firsts = [[max(block.start, rows[c]) for c in block.chains] for rows in done]
    if min(map(min, firsts)) >= block.stop:
        return
    stored = opened.ensemble.read_block(block).fields
    site = stored.shape[1:]
    fields = stored.reshape(len(block.chains), -1, *site).astype(np.result_type(stored.dtype, np.float64), copy=False)
    for series, first in zip(growing, firsts, strict=True):
        earliest = min(first)  # once: there may be very many chains
        if earliest >= block.stop:
            continue
        missing = fields[:, earliest - block.start :]
        rows = series.computes.series(missing.reshape(-1, *site), opened.model)
        rows = rows.reshape(*missing.shape[:2], *rows.shape[1:])
        for chain, part, begin in zip(block.chains, rows, first, strict=True):
            series.table.add(chain, part[begin - earliest :])


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
