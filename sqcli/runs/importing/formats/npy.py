"""One array in NumPy's format, mapped into memory and never unpickled."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqcli.files import open_regular
from sqcli.runs.importing.formats import _npy
from sqcli.runs.importing.formats._base import Numbers


@dataclass(frozen=True)
class Npy:
    """File written by `numpy.save`."""

    single: ClassVar[bool] = False

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise NumPy's mark."""
        return head.startswith(_npy.MAGIC)

    def names(self, path: Path) -> tuple[str, ...]:
        """Return nothing: the one array has no name."""
        return ()

    @contextmanager
    def open(self, path: Path, name: str | None, scratch: Path) -> Iterator[Numbers]:
        """Map the array into memory."""
        with open_regular(path) as file:
            yield _npy.mapped(file, _npy.read_header(path, file, os.fstat(file.fileno()).st_size))
