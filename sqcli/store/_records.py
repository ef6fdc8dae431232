"""Commit record of a chain: [n_draws, seq, slot, n_warmup, writer_id, 0, 0, version].

A chain's record is one atomically replaced chunk (shared by a group of chains, which move together). It is written
when a writer claims the group, before any data; a chunk that does not exist means an untouched group.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import DamageError, SqcliError
from sqcli.store._arrays import Array, array_names
from sqcli.store._layout import RECORD_VERSION, Layout

N_DRAWS, SEQ, SLOT, N_WARMUP, WRITER_ID, VERSION = 0, 1, 2, 3, 4, 7


def group_chains(layout: Layout, group: int) -> range:
    """List the chains of a group; the last group may be smaller."""
    first = group * layout.chain_group
    return range(first, min(first + layout.chain_group, layout.chains))


def read_group_record(layout: Layout, arrays: Mapping[str, Array], group: int) -> NDArray[np.int64]:
    """Read the record that all chains of the group share, (8,); zeros for an untouched group."""
    array = arrays["checkpoint/record"]
    if array.chunk_file(group, 0).exists():
        return read_begun_record(layout, arrays, group)
    if any(data.chunk_file(group, i).exists() for data in arrays.values() for i in (0, 1)):
        return read_begun_record(layout, arrays, group)  # it was written meanwhile, or its absence is damage
    return np.zeros(array.shape[1], np.int64)


def read_begun_record(layout: Layout, arrays: Mapping[str, Array], group: int) -> NDArray[np.int64]:
    """Read the record, (8,), of a group of which some file exists; without a record it is damaged."""
    array = arrays["checkpoint/record"]
    rows = array.read_chunk(group, 0)[: len(group_chains(layout, group))]
    fault = _fault(rows)
    if fault:
        raise DamageError(f"{array.chunk_file(group, 0)}: {fault}")
    return np.array(rows[0])


def begun_groups(layout: Layout, arrays: Mapping[str, Array]) -> set[int]:
    """Find the groups of which any array, kept series included, has a file; each directory is listed once."""
    record = arrays["checkpoint/record"]
    found = _groups_in(record.directory)
    if len(found) < layout.groups:
        series = record.directory.parents[1] / "observables"
        others = [array.directory for array in arrays.values()] + [series / name for name in array_names(series)]
        found = found.union(*map(_groups_in, others))
    return found & set(range(layout.groups))


def _groups_in(directory: Path) -> set[int]:
    try:
        names = [file.split(".") for file in os.listdir(directory)]  # noqa: PTH208 - names are all that is wanted
    except OSError as error:
        raise SqcliError(f"{directory}: cannot be read ({error.strerror})") from error
    return {int(name[1]) for name in names if name[0] == "c" and len(name) > 2 and "".join(name[1:]).isdecimal()}


def _fault(rows: NDArray[np.int64]) -> str | None:
    n, seq, slot, warmup = (int(rows[0, i]) for i in (N_DRAWS, SEQ, SLOT, N_WARMUP))
    if rows[0, VERSION] != RECORD_VERSION:
        return f"commit record of version {rows[0, VERSION]}, this sqcli reads {RECORD_VERSION}"
    if not (rows == rows[0]).all():
        return "the chains of a group have different commit records"
    if min(n, seq, warmup) < 0 or slot not in (0, 1) or (n > 0 and seq == 0):
        return "the commit record makes no sense"
    return None


def allocated_draws(arrays: Mapping[str, Array]) -> int:
    """Count the draws that every array has room for: a growth that was cut short leaves unequal lengths."""
    return min(array.shape[1] for name, array in arrays.items() if not name.startswith("checkpoint/"))


def read_records(layout: Layout, arrays: Mapping[str, Array]) -> NDArray[np.int64]:
    """Read the records of all chains, (C, 8)."""
    records = np.zeros((layout.chains, arrays["checkpoint/record"].shape[1]), np.int64)
    for group in begun_groups(layout, arrays):
        chains = group_chains(layout, group)
        records[chains.start : chains.stop] = read_begun_record(layout, arrays, group)
    return records


def encode_state(state: bytes, room: int) -> NDArray[np.uint8]:
    """Encode a random number state: its length before it, padded to `room` bytes."""
    body = len(state).to_bytes(4, "little") + state
    if len(body) > room:
        raise ValueError(f"random number state of {len(state)} bytes, room is {room - 4}")
    return np.frombuffer(body.ljust(room, b"\0"), np.uint8)


def decode_state(row: NDArray[Any]) -> bytes:
    """Decode a random number state, the inverse of `encode_state`; `ValueError` when the length cannot be."""
    raw = row.tobytes()
    size = int.from_bytes(raw[:4], "little")
    if size > len(raw) - 4:
        raise ValueError("impossible length")
    return raw[4 : 4 + size]
