"""Series per draw: from the statistics of the run, from what is kept, or computed in one pass and then kept.

Only draws that are committed when the ensemble is opened count, and of these only the missing ones are computed. A
series that cannot be kept (read-only ensemble, full disk) is used all the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import __version__, parameters, store
from sqcli.analysis._draw_series import DrawSeries
from sqcli.analysis.ensemble import LOG_WEIGHT, MeasuredEnsemble
from sqcli.analysis.selection import sources
from sqcli.errors import DamageError, SqcliError
from sqcli.observables import Observable, series_key

Array = NDArray[Any]
Progress = Callable[[int, int], None]
BLOCK_BYTES = 16 * 2**20  # several chunks: buffers of one block are used again for the next
KEEP_BYTES = 64 * 2**20  # results that wait to be written
KEEP_SECONDS = 60.0  # that they wait at most: of a flow that takes hours not much is lost
LARGE = 96 * 2**20  # a series that is not held in memory once it is kept
NOTHING = slice(0, 0)
WEIGHTS = "weights"


@dataclass
class GrowingSeries:
    """A series being completed: its rows so far, and how many of each chain are kept on disk."""

    key: str
    computes: Observable
    rows: DrawSeries
    kept: list[int]
    attributes: dict[str, Any]

    @property
    def waiting(self) -> int:
        """Bytes computed and not yet kept."""
        return (sum(self.rows.done) - sum(self.kept)) * _row_bytes(self.rows.empty)

    def keep(self, opened: MeasuredEnsemble) -> None:
        """Write what is new into the ensemble, and let go of it where it is large."""
        ensemble, empty = opened.ensemble, self.rows.empty
        labels = self.computes.components(opened.theory) if empty.ndim > 1 else None
        new = self.rows.since(self.kept)
        store.write_observable(
            ensemble.path, self.key, new, start=self.kept, components=labels, attributes=self.attributes
        )
        self.kept = self.rows.done
        if int(ensemble.draws.sum()) * _row_bytes(empty) > LARGE:
            self.rows.forget(partial(_read, opened, self.key))


def _row_bytes(empty: Array) -> int:
    return empty.itemsize * int(np.prod(empty.shape[1:]))


def _read(opened: MeasuredEnsemble, key: str, columns: slice) -> Sequence[Array]:
    kept = store.read_observable(opened.ensemble.path, key, columns)
    return [] if kept is None else kept.values


def gather(
    opened: MeasuredEnsemble, chosen: Iterable[Observable], progress: Progress | None = None
) -> dict[str, DrawSeries]:
    """Collect the series that the observables `chosen` are made of.

    Returns:
        Name in the ensemble, as `selection.sources` has it ("observables/correlator.axis-0", "sample_stats/delta_h") ->
        series; log weights under `WEIGHTS`.
    """
    found = {WEIGHTS: DrawSeries.of(opened.ensemble.stat(LOG_WEIGHT))} if opened.weighted else {}
    growing = {}
    for name, computes in dict(source for instance in chosen for source in sources(instance, opened.theory)).items():
        if computes is None:
            found[name] = DrawSeries.of(opened.ensemble.stat(opened.statistic(name) or name.partition("/")[2]))
        elif computes.statistic in opened.ensemble.stat_names:
            recorded = opened.ensemble.stat(str(computes.statistic))
            found[name] = DrawSeries.of([computes.from_statistic(values, opened.theory) for values in recorded])
        else:
            growing[name] = _resume(opened, computes)
    complete(opened, list(growing.values()), progress)
    return found | {name: series.rows for name, series in growing.items()}


def _resume(opened: MeasuredEnsemble, computes: Observable) -> GrowingSeries:
    """Take up the series that `computes` makes where it is kept up to."""
    key, lengths, attributes = series_key(computes), [int(n) for n in opened.ensemble.draws], _attributes(computes)
    kept = store.read_observable(opened.ensemble.path, key, NOTHING)
    if kept is None or not _made_alike(kept, computes):
        rows = DrawSeries.of([np.empty(0) for _ in lengths])
        return GrowingSeries(key, computes, rows, [0] * len(lengths), attributes)
    attributes["options"] = kept.attributes["options"]
    there = [min(len(values), n) for values, n in zip(kept.values, lengths, strict=True)]
    width = 8 * len(kept.components or ("one",))
    if sum(there) * width > LARGE:
        rows = DrawSeries(partial(_read, opened, key), there, [[] for _ in there], empty=kept.values[0][:0])
        rows.empty = np.empty((0, len(kept.components or ())), kept.values[0].dtype)
    else:
        whole = store.read_observable(opened.ensemble.path, key)
        rows = DrawSeries.of([v[:n] for v, n in zip(whole.values if whole else [], there, strict=True)])
    return GrowingSeries(key, computes, rows, list(there), attributes)


def _attributes(computes: Observable) -> dict[str, Any]:
    """What is stored beside the numbers, so that they can be understood without us."""
    return {
        "estimator": computes.__class__.__name__,
        "definition": computes.defined(),
        "options": parameters.to_mapping(computes),
        "code_version": __version__,
    }


def _made_alike(kept: store.Series, computes: Observable) -> bool:
    """Whether a kept series has the definition and options of `computes`; options it does not name had defaults."""
    said, defaults = kept.attributes.get("options"), parameters.to_mapping(type(computes)())
    return (
        isinstance(said, dict)
        and {**defaults, **said} == parameters.to_mapping(computes)
        and kept.attributes.get("definition") == computes.defined()
    )


def complete(opened: MeasuredEnsemble, growing: Sequence[GrowingSeries], progress: Progress | None = None) -> None:
    """Compute what is missing in one pass over the configurations, and keep it."""
    lengths = opened.ensemble.draws
    unfinished = [series for series in growing if (np.array(series.rows.done) < lengths).any()]
    if not unfinished:
        return
    keeping, kept, total, seen = True, monotonic(), int(lengths.sum()), 0
    for block in opened.ensemble.blocks(BLOCK_BYTES):
        _measure_block(opened, block, unfinished)
        waiting = sum(series.waiting for series in unfinished)
        if keeping and (waiting > KEEP_BYTES or (waiting and monotonic() > kept + KEEP_SECONDS)):
            keeping, kept = _keep(opened, unfinished), monotonic()
        seen += len(block.chains) * (block.stop - block.start)
        if progress is not None:
            progress(seen, total)
    if keeping:
        _keep(opened, unfinished)


def _measure_block(opened: MeasuredEnsemble, block: store.Block, growing: Sequence[GrowingSeries]) -> None:
    done = [series.rows.done for series in growing]
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
        rows = series.computes.series(missing.reshape(-1, *site), opened.theory)
        rows = rows.reshape(*missing.shape[:2], *rows.shape[1:])
        for chain, part, begin in zip(block.chains, rows, first, strict=True):
            series.rows.add(chain, part[begin - earliest :])


def _keep(opened: MeasuredEnsemble, growing: Sequence[GrowingSeries]) -> bool:
    """Write what waits; False where it cannot be kept, so that nobody tries again. Damage is not passed over."""
    try:
        for series in growing:
            series.keep(opened)
    except DamageError:
        raise
    except SqcliError:
        return False
    return True
