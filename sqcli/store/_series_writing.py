"""Writer of measured series: one measurement of an ensemble at a time, beside its running writers.

A series grows behind what is kept of it, or replaces what was kept under another definition.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError
from sqcli.files import Content, explained, replace_files, require_own_directories, resolved
from sqcli.store._arrays import Array, fill_value
from sqcli.store._creation import ensure_group
from sqcli.store._documents import SERIES_GROWS, read_json
from sqcli.store._growing import set_root_attributes
from sqcli.store._layout import CHUNK_BYTES, STATS_CHUNK, power_of_two
from sqcli.store._locks import Lock, lock_directory
from sqcli.store._reading import Ensemble
from sqcli.store._records import group_chains
from sqcli.store._root import is_sealed, read_root
from sqcli.store._series import measured_draws, observable_names

_FILES_AT_ONCE = 64
_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_.-]*")  # characters that Zarr recommends


def write_observable(
    path: str | Path,
    name: str,
    series: Sequence[NDArray[Any]],
    *,
    start: int | Sequence[int] = 0,
    components: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    durable: bool = True,
) -> None:
    """Write a series, or what is new of it; safe beside other measurements and a running writer.

    Args:
        path: the ensemble.
        name: of the observable, with its options where they are not the default ones: `correlator.axis-0`.
        series: per chain (n_i,) or, with `components`, (n_i, len(components)); float64 or complex128.
        start: draw number (of each chain) the series begins with; draws kept already are not written again.
        components: labels of the second axis.
        attributes: estimator, definition, code_version, …; where they differ (code_version apart) from those of the
            kept series, that one is replaced, and `start` must be 0.
        durable: sync to the disk.

    Raises:
        ReadOnlyError: the ensemble cannot be written.
        SqcliError: the series would leave a gap, or goes beyond the committed draws.
    """
    path = resolved(Path(path))
    read_root(path)
    with Lock(path, "observables", "the measurement", wait=True), explained(path):
        ensemble = Ensemble(path)
        starts = np.broadcast_to(start, ensemble.chains).tolist()
        wanted = _describe(ensemble, name, series, components, attributes or {})
        _append(ensemble, wanted, series, starts, durable)


def _append(
    ensemble: Ensemble, wanted: Array, series: Sequence[NDArray[Any]], starts: Sequence[int], durable: bool
) -> None:
    """Write what is new of the series, then the numbers of measured draws, which commit it."""
    array, path = _prepare(ensemble, wanted, starts, durable), ensemble.path
    measured = measured_draws(array)
    ends = [max(m, s + len(x)) for m, s, x in zip(measured, starts, series, strict=True)]
    _refuse_gaps(ensemble, wanted.directory.name, starts, measured, ends)
    if ends == measured:
        return
    array = _grow_together(ensemble, array, max(ends), durable)
    contents = list(_chunks_to_write(ensemble, array, series, starts, ends))
    for first in range(0, len(contents), _FILES_AT_ONCE):
        replace_files(contents[first : first + _FILES_AT_ONCE], root=path, durable=durable)
    replace(array, attributes={**array.attributes, **wanted.attributes, "measured": ends}).save(path, durable=durable)


def _describe(
    ensemble: Ensemble,
    name: str,
    series: Sequence[NDArray[Any]],
    components: Sequence[str] | None,
    attributes: Mapping[str, Any],
) -> Array:
    """Describe the array as it would be if nothing were kept yet."""
    tail = () if components is None else (len(components),)
    if len(series) != ensemble.chains or any(np.shape(x)[1:] != tail for x in series) or not _NAME.fullmatch(name):
        shapes = [np.shape(x) for x in series[:3]]
        raise ValueError(
            f"{name}: {len(series)} series {shapes}… for {ensemble.chains} chains, components {components}"
        )
    dtype = np.dtype("complex128" if any(np.iscomplexobj(x) for x in series) else "float64")
    g = ensemble.layout.chain_group
    k = power_of_two(min(STATS_CHUNK, CHUNK_BYTES // (dtype.itemsize * max(1, *tail, 1))) // g)
    dims = ("chain", "draw") if components is None else ("chain", "draw", f"{name}_component")
    labels = {} if components is None else {"components": list(components)}
    described = {**attributes, **labels, "measured": [0] * ensemble.chains}
    directory = ensemble.path / "observables" / name
    return Array(directory, (ensemble.chains, 0, *tail), (g, k, *tail), dtype, dims, described)


def _prepare(ensemble: Ensemble, wanted: Array, starts: Sequence[int], durable: bool) -> Array:
    """Load the kept array if it is of the same definition, else put a fresh one in its place."""
    directory, root = wanted.directory, ensemble.path
    require_own_directories(root, directory)
    if not directory.exists():
        ensure_group(root, "observables", durable)  # the user may have removed all that was measured
        aside = lock_directory(root) / "observable.new"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        replace(wanted, directory=aside).save(root, durable=durable)
        aside.rename(directory)
        return wanted
    kept = Array.load(directory, sealed=is_sealed(ensemble.attrs))
    if _definition(kept) != _definition(wanted):
        if any(starts):
            raise SqcliError(f"{directory}: is kept with another definition; measure it again from draw 0")
        kept = wanted.grown(kept.shape[1])
        kept.save(root, durable=durable)  # says "nothing measured" before anything is removed
    if not any(measured_draws(kept)):
        for leftover in directory.glob("c.*"):
            leftover.unlink()
    return kept


def _definition(array: Array) -> tuple[Any, ...]:
    attributes = {key: value for key, value in array.attributes.items() if key not in SERIES_GROWS}
    return array.shape[2:], array.dtype, array.dims, attributes


def _refuse_gaps(
    ensemble: Ensemble, name: str, starts: Sequence[int], measured: Sequence[int], ends: Sequence[int]
) -> None:
    for chain, (start, kept, end) in enumerate(zip(starts, measured, ends, strict=True)):
        if start > kept:
            raise SqcliError(f"{ensemble.path}: {name} of chain {chain} starts at draw {start}, {kept} are measured")
        if end > ensemble.committed(chain):
            raise SqcliError(f"{ensemble.path}: {name} of chain {chain} has more draws than are committed")


def _grow_together(ensemble: Ensemble, array: Array, draws: int, durable: bool) -> Array:
    path, sealed = ensemble.path, is_sealed(ensemble.attrs)
    others = [Array.load(path / "observables" / name, sealed=sealed) for name in observable_names(path)]
    length = max(draws, *(other.shape[1] for other in others))
    if any(other.shape[1] < length for other in others) and "consolidated_metadata" in read_json(path / "zarr.json"):
        set_root_attributes(path, {}, durable=durable)
    for other in others:
        if other.shape[1] < length:
            other.grown(length).save(path, durable=durable)
    return array.grown(length)


def _chunks_to_write(
    ensemble: Ensemble,
    array: Array,
    series: Sequence[NDArray[Any]],
    starts: Sequence[int],
    ends: Sequence[int],
) -> Iterator[Content]:
    measured, k = measured_draws(array), array.chunks[1]
    for group in range(ensemble.layout.groups):
        chains = group_chains(ensemble.layout, group)
        growing = [c for c in chains if ends[c] > measured[c]]
        if not growing:
            continue
        first = min(measured[c] for c in growing) // k
        last = -(-max(ends[c] for c in growing) // k)
        for column in range(first, last):
            low = column * k
            chunk = array.empty_chunk()
            if any(measured[c] > low for c in chains):
                chunk[:] = array.read_chunk(group, column)
            for row, c in enumerate(chains):
                # beyond the measured draws a chunk may hold what a killed measurement left
                chunk[row, max(0, measured[c] - low) :] = fill_value(array.dtype)
                a, b = max(measured[c], low), min(ends[c], low + k)
                if b > a:
                    chunk[row, a - low : b - low] = series[c][a - starts[c] : b - starts[c]]
            yield array.content(group, column, chunk)
