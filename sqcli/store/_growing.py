"""Growth of an ensemble: more draws per chain, beside live writers and readers.

The root attribute `target_draws` is raised first and is the promise; the arrays follow. Whoever finds arrays shorter
than the promise (the next writer or extension) finishes the job. Nothing ever shrinks.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqcli.files import explained, resolved
from sqcli.store._creation import require_space
from sqcli.store._documents import read_json, replace_json
from sqcli.store._locks import Lock, lock_directory
from sqcli.store._root import is_sealed, read_arrays, read_root


def extend(path: str | Path, target_draws: int, *, durable: bool = True) -> int:
    """Raise the target to `target_draws` per chain and return it; a smaller number changes nothing.

    Raises:
        ReadOnlyError: the ensemble cannot be written.
        SqcliError: the disk has no room.
    """
    path = resolved(Path(path))
    read_root(path)
    with Lock(path, "extend", "the extension", wait=True):
        attributes = read_root(path)
        if target_draws > attributes["target_draws"]:
            layout, _ = read_arrays(path, attributes)
            wanted = replace(layout, target_draws=target_draws)
            require_space(path, path, wanted.bytes_needed() - layout.bytes_needed())
            set_root_attributes(path, {"target_draws": target_draws}, durable=durable)
        return _grow(path, durable)


def grow_to_target(path: Path, *, durable: bool) -> None:
    """Finish an extension that was cut short."""
    with Lock(path, "extend", "the extension", wait=True):
        _grow(path, durable)


def _grow(path: Path, durable: bool) -> int:
    attributes = read_root(path)
    target = int(attributes["target_draws"])
    _, arrays = read_arrays(path, attributes)
    with explained(path):
        for name, array in arrays.items():
            if not name.startswith("checkpoint/") and array.shape[1] < target:
                array.grown(target).save(path, durable=durable)
    return target


def set_root_attributes(path: Path, changes: dict[str, Any], *, durable: bool) -> None:
    """Change root attributes, under the lock of whoever changes them; consolidated metadata would be stale: dropped."""
    document = read_json(path / "zarr.json")
    document.pop("consolidated_metadata", None)
    document["attributes"] = {**document["attributes"], **changes}
    with explained(path):
        replace_json(
            path / "zarr.json",
            document,
            root=path,
            durable=durable,
            sealed=is_sealed(document["attributes"]),  # an ensemble without checksums stays one
            scratch=lock_directory(path),
        )
