"""Are the bytes right? Every committed chunk, every record and checkpoint, every measured series."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqcli.errors import DamageError
from sqcli.store._arrays import Array
from sqcli.store._creation import GROUPS
from sqcli.store._documents import read_json
from sqcli.store._layout import Layout
from sqcli.store._records import (
    N_DRAWS,
    SEQ,
    SLOT,
    allocated_draws,
    decode_state,
    group_chains,
    read_group_record,
)
from sqcli.store._root import read_arrays, read_root
from sqcli.store._series import measured_draws, observable_names


class Fault(NamedTuple):
    """Something damaged: which file, and what is wrong with it."""

    path: Path
    what: str


def check(path: str | Path) -> list[Fault]:
    """Verify an ensemble, also beside running writers; an empty list means sound.

    What lies beyond the committed draws is nobody's business and not looked at. What is no ensemble at all raises
    `SqcliError`, as opening it does.
    """
    path = Path(path)
    try:
        attributes = read_root(path)
        layout, arrays = read_arrays(path, attributes)
    except DamageError as error:
        return [_fault(path, error)]
    faults = list(_group_faults(path))
    for group in range(layout.groups):
        faults += _chain_faults(path, layout, arrays, group)
    for name in observable_names(path):
        faults += _series_faults(path / "observables" / name, layout)
    return faults


def _fault(path: Path, error: DamageError) -> Fault:
    return Fault(path, str(error).removeprefix(f"{path}: "))


def _group_faults(path: Path) -> Iterator[Fault]:
    for name in GROUPS:
        file = path / name / "zarr.json"
        try:
            if read_json(file).get("node_type") != "group":
                yield Fault(file, "damaged metadata, not a Zarr group")
        except DamageError as error:
            yield _fault(file, error)
        except OSError as error:
            yield Fault(file, f"cannot be read ({error.strerror})")


def _chain_faults(path: Path, layout: Layout, arrays: dict[str, Array], group: int) -> Iterator[Fault]:
    file = arrays["checkpoint/record"].chunk_file(group, 0)
    try:
        record = read_group_record(layout, arrays, group)
    except DamageError as error:
        yield _fault(file, error)
        return
    draws = int(record[N_DRAWS])
    if draws > allocated_draws(arrays):
        _, arrays = read_arrays(path, read_root(path))  # extended since we looked?
    if draws > allocated_draws(arrays):
        yield Fault(file, f"the commit record claims {draws} draws, {allocated_draws(arrays)} are allocated")
        return
    for name, array in arrays.items():
        if not name.startswith("checkpoint/"):
            yield from _chunk_faults(array, group, draws)
    if record[SEQ] > 0:
        yield from _checkpoint_faults(layout, arrays, group, int(record[SLOT]))


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


def _series_faults(directory: Path, layout: Layout) -> Iterator[Fault]:
    try:
        array = Array.load(directory)
        measured = measured_draws(array)
    except DamageError as error:
        yield _fault(directory, error)
        return
    if array.shape[0] != layout.chains or array.chunks[0] != layout.chain_group:
        yield Fault(directory, f"shape {array.shape} contradicts the other arrays")
        return
    for group in range(layout.groups):
        yield from _chunk_faults(array, group, max(measured[c] for c in group_chains(layout, group)))
