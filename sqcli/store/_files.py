"""Files that are either old or new, never in between, and that survive a power cut once told to.

A file is written beside its place, synced, and renamed over it. The name of the part-written file follows from
the file's own: its one owner overwrites what a killed predecessor left, so that nothing has to be cleaned up.
"""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Any

from sqcli.errors import DamageError

Content = tuple[Path, Sequence[Any]]
_THREADS = 16


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems sync names on their own
            raise
    finally:
        os.close(descriptor)


def replace_files(*stages: Sequence[Content], durable: bool, scratch: Path | None = None) -> None:
    """Write every (file, buffers), each atomically; a later stage appears only when the earlier one is there for good.

    Durable: the bytes of all stages are synced first, then, stage by stage, the names. Syncs that may happen at the
    same time do, in threads, because the file system puts them into one transaction; the threads end before this
    returns (a process may fork between commits). On `OSError` no file of a later stage has appeared.

    `scratch` holds the part-written files where they must not lie beside their places: foreign files inside a Zarr
    group draw a warning from every reader, those inside an array's directory do not.
    """
    contents = [content for stage in stages for content in stage]
    partials = {file: (scratch or file.parent) / f"{file.name}.partial" for file, _ in contents}
    with ThreadPoolExecutor(_THREADS) as pool:
        at_once = pool.map if durable and len(contents) > 1 else map
        try:
            list(at_once(lambda content: _write(partials[content[0]], content[1], durable), contents))
            for stage in stages:
                for file, _ in stage:
                    partials[file].replace(file)
                if durable:
                    list(at_once(sync_directory, dict.fromkeys(file.parent for file, _ in stage)))
        except OSError:
            for partial in partials.values():
                partial.unlink(missing_ok=True)
            raise


def _write(partial: Path, buffers: Sequence[Any], durable: bool) -> None:
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
