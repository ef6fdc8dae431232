"""Configurations of 4D SU(3) in the archive format of NERSC, two rows of a matrix or three, one a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqcli.files import open_regular
from sqcli.runs.importing.formats import _nersc
from sqcli.runs.importing.formats._base import Numbers


@dataclass(frozen=True)
class Nersc:
    """File that begins with BEGIN_HEADER."""

    single: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise the first line."""
        return head.startswith(_nersc.BEGIN)

    def names(self, path: Path) -> tuple[str, ...]:
        """Return nothing: the one configuration has no name."""
        return ()

    @contextmanager
    def open(self, path: Path, name: str | None, scratch: Path) -> Iterator[Numbers]:
        """Read the configuration."""
        with open_regular(path) as file:
            yield _nersc.read_links(path, file, os.fstat(file.fileno()).st_size)
