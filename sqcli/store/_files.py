"""Files that are either old or new, never in between, and that survive a power cut once told to.

A file is written beside its place, synced, and renamed over it. The name of the part-written file follows from
the file's own: its one owner overwrites what a killed predecessor left, so that nothing has to be cleaned up.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from sqcli.errors import DamageError

Content = tuple[Path, Sequence[Any]]
_THREADS = 8
T = TypeVar("T")


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_files(contents: Sequence[Content], *, durable: bool, scratch: Path | None = None) -> None:
    """Write every (file, buffers), each atomically; durable: bytes first, then names, one sync per directory.

    `scratch` holds the part-written files where they must not lie beside their places: foreign files inside a Zarr
    group draw a warning from every reader, those inside an array's directory do not.
    """
    partials = [((scratch or file.parent) / f"{file.name}.partial", buffers) for file, buffers in contents]
    try:
        _at_once(lambda content: _write(content, durable), partials, durable)
        for (partial, _), (file, _) in zip(partials, contents, strict=True):
            partial.replace(file)
    except OSError:
        for partial, _ in partials:
            partial.unlink(missing_ok=True)
        raise
    if durable:
        _at_once(sync_directory, list(dict.fromkeys(file.parent for file, _ in contents)), durable)


def _at_once(action: Callable[[T], None], items: Sequence[T], waiting: bool) -> None:
    """Do `action` to every item; where it waits for the disk, in threads, whose syncs share the disk's transactions.

    The threads end before this returns: a process may fork between commits.
    """
    if not waiting or len(items) == 1:
        for item in items:
            action(item)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(action, items))


def _write(content: Content, durable: bool) -> None:
    partial, buffers = content
    with partial.open("wb", buffering=0) as handle:
        for buffer in buffers:
            _write_all(handle, memoryview(buffer).cast("B"))
        if durable:
            os.fsync(handle.fileno())


def _write_all(handle: FileIO, view: memoryview) -> None:
    while view:
        view = view[handle.write(view) :]


def replace_json(file: Path, document: Mapping[str, Any], *, durable: bool, scratch: Path | None = None) -> None:
    """Replace a metadata file."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()
    replace_files([(file, [text])], durable=durable, scratch=scratch)


def read_json(file: Path) -> dict[str, Any]:
    """Read a metadata file; `FileNotFoundError` when absent, `DamageError` when it is not a JSON object."""
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{file}: damaged metadata, not valid JSON") from error
    if not isinstance(document, dict):
        raise DamageError(f"{file}: damaged metadata, not a JSON object")
    return document
