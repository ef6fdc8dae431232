"""Zarr arrays of other programs, formats 2 and 3 with all codecs that zarr knows: an array, or those of a group."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.files import read_bytes
from sqcli.runs.importing.formats._base import Numbers

MOST_METADATA = 2**20  # bytes of the metadata of an array or a group


@dataclass(frozen=True)
class Zarr:
    """Directory of a Zarr array or group."""

    single: ClassVar[bool] = False

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise a directory with metadata of Zarr."""
        return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))

    def names(self, path: Path) -> tuple[str, ...]:
        """List the arrays of a group and of the groups in it; none where the directory is an array itself."""
        if store.is_ensemble(path):
            raise SqcliError(f"{path}: is an ensemble of sqcli already, not another code's array")
        if _is_array(path):
            return ()
        found = []
        for folder, inside, _ in os.walk(path):
            arrays = [name for name in sorted(inside) if _is_array(Path(folder, name))]
            found += [str(Path(folder, name).relative_to(path)) for name in arrays]
            inside[:] = sorted(set(inside) - set(arrays))  # chunks are not looked at
        return tuple(found)

    @contextmanager
    def open(self, path: Path, name: str | None, scratch: Path) -> Iterator[Numbers]:
        """Open an array."""
        yield store.open_foreign(path / name if name else path)


def _is_array(path: Path) -> bool:
    """Tell whether a directory is a Zarr array rather than a group or anything else."""
    if (path / ".zarray").is_file():
        return True
    try:
        document = json.loads(read_bytes(path / "zarr.json", MOST_METADATA))
    except (OSError, ValueError, SqcliError):
        return False
    return isinstance(document, dict) and document.get("node_type") == "array"
