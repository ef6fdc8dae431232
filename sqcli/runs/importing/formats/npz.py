"""Several arrays in a zip archive, as `numpy.savez` and `sqcli export` write them; never unpickled.

An array is unpacked into a nameless file once numbers of it are wanted, so that it need not fit in memory. What it
will need is known, and compared with its header and the free disk, before a byte is unpacked.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sqcli.errors import SqcliError
from sqcli.files import open_regular
from sqcli.runs.importing.formats import _npy
from sqcli.runs.importing.formats._base import Numbers

ENDING = ".npy"
PIECE = 2**20


@dataclass(frozen=True)
class Npz:
    """File written by `numpy.savez`, compressed or not."""

    single: ClassVar[bool] = False

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise the mark of a zip archive."""
        return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))

    def names(self, path: Path) -> tuple[str, ...]:
        """List the arrays in the archive."""
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.namelist()
        return tuple(entry.removesuffix(ENDING) for entry in entries if entry.endswith(ENDING))

    @contextmanager
    def open(self, path: Path, name: str | None, scratch: Path) -> Iterator[Numbers]:
        """Read the header of an array; the numbers are unpacked when they are wanted."""
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(stack.enter_context(open_regular(path))))
            entry = archive.getinfo(f"{name}{ENDING}")
            with archive.open(entry) as packed:
                header = _npy.read_header(path, packed, entry.file_size)
            yield _Packed(path, archive, entry, header, scratch, stack)


class _Packed:
    """Array in an archive that is unpacked at the first look at its numbers."""

    def __init__(
        self,
        path: Path,
        archive: zipfile.ZipFile,
        entry: zipfile.ZipInfo,
        header: _npy.Header,
        scratch: Path,
        stack: ExitStack,
    ) -> None:
        self._path, self._archive, self._entry, self._header = path, archive, entry, header
        self._scratch, self._stack = scratch, stack
        self.shape, self.dtype = header.shape, header.dtype

    @cached_property
    def _unpacked(self) -> Any:
        free = shutil.disk_usage(self._scratch).free
        if self._header.size > free:
            raise SqcliError(f"{self._path}: needs {self._header.size} bytes unpacked, {free} bytes are free")
        file = self._stack.enter_context(tempfile.TemporaryFile(dir=self._scratch))  # noqa: SIM115 - closed with the rest
        with self._archive.open(self._entry) as packed:
            shutil.copyfileobj(packed, file, PIECE)
        file.flush()
        if file.tell() != self._header.size:
            raise SqcliError(f"{self._path}: damaged, {self._entry.filename} is cut short")
        return _npy.mapped(file, self._header)

    def __getitem__(self, key: Any) -> Any:
        return np.asarray(self._unpacked[key])
