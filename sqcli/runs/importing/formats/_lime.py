"""LIME files: messages of records, each with a header of 144 bytes and its data, padded to eight bytes; big endian."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqcli.errors import DamageError

MAGIC = 0x456789AB
HEADER = struct.Struct(">IHHQ128s")
FIRST, LAST = 0x8000, 0x4000  # flags of a message's first and last record
MOST_RECORDS = 10_000


@dataclass(frozen=True)
class LimeRecord:
    """Record of a file: what it is called, and where its data lie."""

    name: str
    offset: int
    size: int


def records(path: Path, file: IO[bytes], size: int) -> Iterator[LimeRecord]:
    """Yield the records of a file of `size` bytes; DamageError where one has no header or reaches beyond the end."""
    offset = 0
    for _ in range(MOST_RECORDS):
        if offset >= size:
            return
        file.seek(offset)
        head = file.read(HEADER.size)
        magic, _, _, length, name = HEADER.unpack(head.ljust(HEADER.size, b"\0"))
        start = offset + HEADER.size
        if magic != MAGIC or start + length > size:
            raise DamageError(f"{path}: damaged, the record at byte {offset} has no header or is cut short")
        yield LimeRecord(name.partition(b"\0")[0].decode("ascii", errors="replace"), start, length)
        offset = start + length + -length % 8
    raise DamageError(f"{path}: damaged, more than {MOST_RECORDS} records")


def written(messages: Sequence[Sequence[tuple[str, bytes]]]) -> bytes:
    """Write messages of records, name and data each, as a file."""
    parts = []
    for message in messages:
        for index, (name, data) in enumerate(message):
            flags = (FIRST if index == 0 else 0) | (LAST if index == len(message) - 1 else 0)
            parts += [HEADER.pack(MAGIC, 1, flags, len(data), name.encode()), data, bytes(-len(data) % 8)]
    return b"".join(parts)
