"""Configurations of 4D SU(3) as ILDG stores them, in LIME files with the checksum of SciDAC, one a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqcli.files import open_regular
from sqcli.runs.importing.formats import _ildg
from sqcli.runs.importing.formats._base import Numbers


@dataclass(frozen=True)
class Ildg:
    """LIME file with a record ildg-binary-data."""

    single: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise the mark of LIME."""
        return head.startswith(_ildg.MARK)

    def names(self, path: Path) -> tuple[str, ...]:
        """Return nothing: the one configuration has no name."""
        return ()

    @contextmanager
    def open(self, path: Path, name: str | None, scratch: Path) -> Iterator[Numbers]:
        """Read the configuration."""
        with open_regular(path) as file:
            yield _ildg.read_links(path, file, os.fstat(file.fileno()).st_size)
