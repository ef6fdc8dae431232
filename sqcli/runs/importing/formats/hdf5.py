"""Data sets of an HDF5 file, read by h5py in parts, with all filters that it knows; links out of the file are refused.

h5py is wanted only here: `pip install 'sqcli[hdf5]'`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sqcli.errors import SqcliError
from sqcli.files import open_regular
from sqcli.runs.importing.formats._base import Numbers

MOST_NAMES = 10_000


@dataclass(frozen=True)
class Hdf5:
    """File in version 5 of the Hierarchical Data Format."""

    single: ClassVar[bool] = False

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise the mark of HDF5."""
        return head.startswith(b"\x89HDF\r\n\x1a\n")

    def names(self, path: Path) -> tuple[str, ...]:
        """List the data sets of the file and of its groups."""
        import h5py

        found: list[str] = []

        def visit(name: str, item: Any) -> bool | None:
            if isinstance(item, h5py.Dataset):
                found.append(name)
            return True if len(found) > MOST_NAMES else None

        with open_regular(path) as file, h5py.File(file, "r") as archive:
            archive.visititems(visit)
        return tuple(found)

    @contextmanager
    def open(self, path: Path, name: str | None, scratch: Path) -> Iterator[Numbers]:
        """Open a data set."""
        import h5py

        with open_regular(path) as file, h5py.File(file, "r") as archive:
            found = archive[str(name)]
            if found.external or found.is_virtual:
                raise SqcliError(f"{path}: the numbers of {name} lie in other files; import those")
            if found.shape is None or found.dtype.kind not in "biufc":
                raise SqcliError(f"{path}: {name} holds no array of plain numbers")
            yield found
