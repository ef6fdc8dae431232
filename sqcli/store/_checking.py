"""Verification of the bytes of an ensemble: committed chunks, records, checkpoints and measured series."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sqcli.errors import DamageError
from sqcli.files import resolved
from sqcli.store._arrays import LONGEST, Array
from sqcli.store._creation import GROUPS
from sqcli.store._documents import read_json
from sqcli.store._layout import Layout
from sqcli.store._records import (
    N_DRAWS,
    SEQ,
    SLOT,
    allocated_draws,
    begun_groups,
    decode_state,
    group_chains,
    read_begun_record,
)
from sqcli.store._root import is_sealed, read_arrays, read_root
from sqcli.store._series import measured_draws, observable_names


class Fault(NamedTuple):
    """Damage found in an ensemble: the file, and what is wrong with it."""

    path: Path
    what: str


def check(path: str | Path) -> list[Fault]:
    """Verify an ensemble, also beside running writers; an empty list means sound.

    What lies beyond the committed draws is nobody's business and not looked at. What is no ensemble at all raises
    `SqcliError`, as opening it does.
    """
    path = resolved(Path(path))
    try:
        attributes = read_root(path)
        layout, arrays = read_arrays(path, attributes)
    except DamageError as error:
        return [_fault(path, error)]
    sealed = is_sealed(attributes)
    faults = list(_group_faults(path, sealed))
    series = [_measured(path / "observables" / name, layout, sealed) for name in observable_names(path)]
    committed = [0] * layout.groups
    for group in sorted(begun_groups(layout, arrays)):
        committed[group], found = _chain_faults(path, layout, arrays, group)
        faults += found
    for array in series:
        found = [array] if isinstance(array, Fault) else list(_series_faults(array, layout, committed))
        if found and (isinstance(array, Fault) or _measured(array.directory, layout, sealed) == array):
            faults += found  # else it was measured anew while we looked
    return faults


def _fault(path: Path, error: DamageError) -> Fault:
    """Make a fault of an error, at the place inside `path` that it names."""
    where, _, what = str(error).removeprefix(str(path)).partition(": ")
    return Fault(Path(f"{path}{where}"), what)


def _group_faults(path: Path, sealed: bool) -> Iterator[Fault]:
    for name in GROUPS:
        file = path / name / "zarr.json"
        try:
            if read_json(file, sealed=sealed).get("node_type") != "group":
                yield Fault(file, "damaged metadata, not a Zarr group")
        except DamageError as error:
            yield _fault(file, error)
        except FileNotFoundError:
            yield Fault(file, "is missing")


def _chain_faults(path: Path, layout: Layout, arrays: dict[str, Array], group: int) -> tuple[int, list[Fault]]:
    """Count the committed draws of a group that has begun, as its record claims them, and list its faults."""
    file = arrays["checkpoint/record"].chunk_file(group, 0)
    try:
        record = read_begun_record(layout, arrays, group)
    except DamageError as error:
        return LONGEST, [_fault(file, error)]
    draws = int(record[N_DRAWS])
    if draws > allocated_draws(arrays):
        _, arrays = read_arrays(path, read_root(path))  # it may have been extended since they were read
    if draws > allocated_draws(arrays):
        fault = f"the commit record claims {draws} draws, {allocated_draws(arrays)} are allocated"
        return draws, [Fault(file, fault)]
    data = [array for name, array in arrays.items() if not name.startswith("checkpoint/")]
    faults = [fault for array in data for fault in _chunk_faults(array, group, draws)]
    if record[SEQ] > 0:
        faults += _checkpoint_faults(layout, arrays, group, int(record[SLOT]))
    return draws, faults


def _chunk_faults(array: Array, group: int, draws: int) -> Iterator[Fault]:
    for column in range(-(-draws // array.chunks[1])):
        try:
            array.read_chunk(group, column)
        except DamageError as error:
            yield _fault(array.chunk_file(group, column), error)


def _checkpoint_faults(layout: Layout, arrays: dict[str, Array], group: int, slot: int) -> Iterator[Fault]:
    for array in (arrays["checkpoint/field"], arrays["checkpoint/rng"]):
        file = array.chunk_file(group, slot)
        try:
            chunk = array.read_chunk(group, slot)
            if array.directory.name == "rng":
                for row in chunk[: len(group_chains(layout, group)), 0]:
                    decode_state(row)
        except DamageError as error:
            yield _fault(file, error)
        except ValueError as error:
            yield Fault(file, f"random number state of {error}")


def _measured(directory: Path, layout: Layout, sealed: bool) -> Array | Fault:
    """Load the metadata of a kept series, or say what is wrong with them."""
    try:
        array = Array.load(directory, sealed=sealed)
        measured_draws(array)
    except DamageError as error:
        return _fault(directory, error)
    if array.shape[0] != layout.chains or array.chunks[0] != layout.chain_group:
        return Fault(directory, f"shape {array.shape} contradicts the other arrays")
    return array


def _series_faults(array: Array, layout: Layout, committed: Sequence[int]) -> Iterator[Fault]:
    """Find the faults of a kept series.

    Its metadata were read before the records, so that it never has more draws than are committed.
    """
    measured = measured_draws(array)
    for group in range(layout.groups):
        most = max(measured[c] for c in group_chains(layout, group))
        if most > committed[group]:
            yield Fault(array.directory, f"{most} draws are measured, {committed[group]} are committed")
        else:
            yield from _chunk_faults(array, group, most)
