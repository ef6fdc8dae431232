"""Header of an array in NumPy's format, read without trust: never unpickled, of bounded length, true to the size."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as numpy_format

from sqcli.errors import SqcliError

MAGIC = b"\x93NUMPY"
MOST_HEADER = 8192  # bytes; those of arrays of numbers have 128
READERS: dict[int, tuple[int, Callable[[IO[bytes]], Any]]] = {
    1: (2, numpy_format.read_array_header_1_0),
    2: (4, numpy_format.read_array_header_2_0),
}
"""Version of the format -> bytes that state the header's length, and the reader of the header."""


@dataclass(frozen=True)
class Header:
    """Header of an array; `offset` bytes come before its numbers."""

    shape: tuple[int, ...]
    dtype: "np.dtype[Any]"
    fortran: bool
    offset: int

    @property
    def size(self) -> int:
        """Bytes of header and numbers."""
        return self.offset + prod(self.shape) * self.dtype.itemsize


def read_header(path: Path, file: IO[bytes], size: int) -> Header:
    """Read the header of an array of which `size` bytes are there.

    Raises:
        SqcliError: it is no array of numbers, or its length is not the one that its header says.
    """
    start = file.read(len(MAGIC) + 2)
    version = start[len(MAGIC)] if start.startswith(MAGIC) and len(start) == len(MAGIC) + 2 else 0
    if version not in READERS:
        raise SqcliError(f"{path}: no array in NumPy's format that can be read (damaged, or not of numbers)")
    width, reader = READERS[version]
    count = file.read(width)
    length = int.from_bytes(count, "little")
    text = file.read(min(length, MOST_HEADER))
    if len(count) < width or len(text) != length:
        raise SqcliError(f"{path}: its header of {length} bytes is cut short, or too long to be that of an array")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran, dtype = reader(io.BytesIO(count + text))
    except Exception as error:  # whatever the text of the header makes NumPy stumble over
        raise SqcliError(f"{path}: damaged, its header is not that of an array in NumPy's format") from error
    if dtype.hasobject or dtype.names or dtype.kind not in "biufc":
        raise SqcliError(f"{path}: holds {_described(dtype)}; only arrays of plain numbers are read")
    header = Header(tuple(map(int, shape)), dtype, bool(fortran), len(start) + width + length)
    if min(header.shape, default=1) < 0 or header.size != size:
        raise SqcliError(f"{path}: damaged, {size} bytes where its header means {header.size}")
    return header


def mapped(file: IO[bytes], header: Header) -> "np.ndarray[Any, np.dtype[Any]]":
    """Map the numbers behind a header into memory, read-only; nothing is read before it is wanted."""
    if not prod(header.shape):
        return np.empty(header.shape, header.dtype)
    order = "F" if header.fortran else "C"
    return np.memmap(file, header.dtype, "r", header.offset, header.shape, order)  # type: ignore[call-overload,no-any-return]


def _described(dtype: "np.dtype[Any]") -> str:
    return "Python objects" if dtype.hasobject else "records" if dtype.names else f"items of type {dtype}"
