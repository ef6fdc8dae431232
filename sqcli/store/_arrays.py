"""One Zarr v3 array on disk: its metadata document and its chunk files.

Zarr v3 core specification: chunk (i, j, …) of an array is the file `c.i.j.…` below the array's directory; with the
codecs `bytes` (little endian) and `crc32c` it holds the elements in C order followed by their CRC-32C, little
endian. Reading and writing these files directly costs no event loop, allows exact control of what is synced when,
and never mistakes a missing chunk for fill values. zarr and xarray open the result as it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from sqcli.errors import DamageError, SqcliError
from sqcli.files import Content, read_bytes
from sqcli.store._documents import CHECKSUM, read_json, replace_json

_CODECS = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
_FILL: dict[str, Any] = {"f": "NaN", "c": ["NaN", "NaN"], "i1": -1, "i8": 0, "u1": 0}
_DTYPES = ("float32", "float64", "complex64", "complex128", "int8", "int64", "uint8")
_CHECKSUM_BYTES = 4
LONGEST = 2**48  # elements of an axis


def fill_value(dtype: np.dtype[Any]) -> Any:
    """Return what an element holds before it is written: NaN, −1 for int8, 0 for the records."""
    return {"f": np.nan, "c": complex(np.nan, np.nan)}.get(dtype.kind, -1 if dtype == np.int8 else 0)


def checksum(data: Any) -> bytes:
    """Compute the CRC-32C of a buffer, four bytes as the codec stores them."""
    return int(google_crc32c.value(data)).to_bytes(_CHECKSUM_BYTES, "little")


@dataclass(frozen=True)
class Array:
    """Metadata of one array whose chunks are cut along the first two axes only, (chain, draw) or (chain, slot)."""

    directory: Path
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    attributes: Mapping[str, Any]

    @classmethod
    def load(cls, directory: Path, *, sealed: bool = False) -> "Array":
        """Read `zarr.json`; one line of complaint when it is absent, damaged or not of the store's own form.

        An array of a `sealed` ensemble must have a checksum.
        """
        file = directory / "zarr.json"
        try:
            document = read_json(file, sealed=sealed)
        except FileNotFoundError:
            raise DamageError(f"{directory}: array is missing from the ensemble") from None
        try:
            array = cls._parse(directory, document)
            consistent = len(array.shape) == len(array.chunks) == len(array.dims) >= 2
            consistent &= min(array.chunks) > 0 <= min(array.shape) and max(*array.shape, *array.chunks) < LONGEST
            consistent &= array.chunks[2:] == array.shape[2:]
        except (KeyError, TypeError, ValueError, AttributeError):
            consistent = False
        if not consistent:
            raise DamageError(f"{file}: damaged metadata, not an array of an sqcli ensemble")
        # what `array` would write in these parts is the one way of coding chunks that is read here
        if any(array.document()[key] != document.get(key) for key in ("chunk_key_encoding", "codecs")):
            raise SqcliError(f"{file}: unknown chunk encoding or codecs (expected bytes(little), crc32c)")
        return array

    @classmethod
    def _parse(cls, directory: Path, document: Mapping[str, Any]) -> "Array":
        if document["zarr_format"] != 3 or document["node_type"] != "array" or document["data_type"] not in _DTYPES:
            raise ValueError("not a Zarr v3 array of numbers")
        return cls(
            directory,
            tuple(int(n) for n in document["shape"]),
            tuple(int(n) for n in document["chunk_grid"]["configuration"]["chunk_shape"]),
            np.dtype(str(document["data_type"])),
            tuple(str(name) for name in document["dimension_names"]),
            {key: value for key, value in document.get("attributes", {}).items() if key != CHECKSUM},
        )

    def document(self) -> dict[str, Any]:
        """Make the array's metadata document, the content of its `zarr.json`."""
        kind = self.dtype.kind if self.dtype.kind in "fc" else self.dtype.str[1:]
        codecs = _CODECS if self.dtype.itemsize > 1 else [{"name": "bytes"}, {"name": "crc32c"}]
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(self.chunks)}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": _FILL[kind],
            "codecs": codecs,
            "attributes": dict(self.attributes),
            "dimension_names": list(self.dims),
            "storage_transformers": [],
        }

    def save(self, root: Path, *, durable: bool = True) -> None:
        """Write the metadata, atomically, into the ensemble `root`; the array's directory must exist."""
        replace_json(self.directory / "zarr.json", self.document(), root=root, durable=durable)

    def grown(self, draws: int) -> "Array":
        """Describe the array as it is once it holds at least `draws` draws of each chain."""
        return replace(self, shape=(self.shape[0], max(draws, self.shape[1]), *self.shape[2:]))

    @cached_property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk's elements, without the checksum."""
        return prod(self.chunks) * self.dtype.itemsize

    def chunk_file(self, row: int, column: int) -> Path:
        """Name the file of chunk (row, column, 0, …)."""
        return self.directory / ".".join(map(str, ("c", row, column, *(0,) * (len(self.shape) - 2))))

    def empty_chunk(self) -> NDArray[Any]:
        """Make a chunk of fill values in memory, (chunks[0], chunks[1], …)."""
        return np.full(self.chunks, fill_value(self.dtype), self.dtype)

    def content(self, row: int, column: int, chunk: NDArray[Any]) -> Content:
        """Pair a chunk's file with its bytes for `replace_files`; `chunk` is whole, (chunks[0], chunks[1], …)."""
        assert chunk.shape == self.chunks
        data = np.ascontiguousarray(chunk, self.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
        return self.chunk_file(row, column), (data, checksum(data))

    def read_chunk(self, row: int, column: int) -> NDArray[Any]:
        """Read and verify one chunk, (chunks[0], chunks[1], …); `DamageError` names the file and the fault."""
        file = self.chunk_file(row, column)
        try:
            raw = np.frombuffer(read_bytes(file, self.chunk_bytes + _CHECKSUM_BYTES), np.uint8)
        except FileNotFoundError:
            if not self.directory.exists():
                raise SqcliError(f"{self.directory}: was removed meanwhile") from None
            raise DamageError(f"{file}: a committed chunk is missing") from None
        except SqcliError as error:  # a chunk that the disk does not hand out is damage too
            raise DamageError(str(error)) from error
        if raw.size != self.chunk_bytes + _CHECKSUM_BYTES:
            raise DamageError(f"{file}: {raw.size} bytes instead of {self.chunk_bytes + _CHECKSUM_BYTES}")
        data = raw[: self.chunk_bytes]
        if checksum(data) != raw[self.chunk_bytes :].tobytes():
            raise DamageError(f"{file}: checksum does not match, the bytes were altered")
        chunk = data.view(self.dtype.newbyteorder("<")).reshape(self.chunks)
        return chunk.astype(self.dtype, copy=False)

    def read(self, chains: range, start: int, stop: int) -> NDArray[Any]:
        """Read the elements [chains, start:stop], (len(chains), stop − start, …); every chunk must be there."""
        rows, columns = self.chunks[:2]
        out = np.empty((len(chains), stop - start, *self.shape[2:]), self.dtype)
        if not out.size:
            return out
        for row in range(chains.start // rows, -(-chains.stop // rows)):
            c0, c1 = max(chains.start, row * rows), min(chains.stop, (row + 1) * rows)
            for column in range(start // columns, -(-stop // columns)):
                d0, d1 = max(start, column * columns), min(stop, (column + 1) * columns)
                part = self.read_chunk(row, column)[c0 - row * rows : c1 - row * rows, d0 - column * columns :]
                out[c0 - chains.start : c1 - chains.start, d0 - start : d1 - start] = part[:, : d1 - d0]
        return out


def array_names(group: Path) -> list[str]:
    """List the names of the arrays of a group, sorted."""
    try:
        return sorted(entry.name for entry in group.iterdir() if entry.is_dir() and entry.name[0] != ".")
    except OSError:
        return []


def is_json(value: Any) -> bool:
    """Tell whether `value` can be an attribute: no NaN, no arrays."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
