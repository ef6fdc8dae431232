"""Creation of an ensemble: built aside, synced, and published by one rename."""

import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from sqcli.errors import SqcliError
from sqcli.files import explained, read_bytes, resolved, sync_directory
from sqcli.store._arrays import is_json
from sqcli.store._documents import MOST_METADATA, parse_json, replace_json
from sqcli.store._errors import ExistsError
from sqcli.store._layout import Layout
from sqcli.store._locks import Lock, lock_directory

ENSEMBLE_FORMAT = "sqcli-ensemble"
ENSEMBLE_FORMAT_VERSION = 1
ARRAYS = "arrays"  # root attribute: the arrays that must be there
GROUPS = ("configurations", "sample_stats", "observables", "checkpoint")
_FORGOTTEN_AFTER = 3600.0  # seconds; building takes milliseconds


def is_ensemble(path: Path) -> bool:
    """Tell whether `path` bears the mark of an sqcli ensemble, sound or not."""
    file = path / "zarr.json"
    try:
        attributes = parse_json(file, read_bytes(file, MOST_METADATA)).get("attributes")
    except (OSError, SqcliError):
        return False
    return isinstance(attributes, dict) and attributes.get("format") == ENSEMBLE_FORMAT


def create(
    path: str | Path,
    layout: Layout,
    attributes: Mapping[str, Any],
    *,
    force: bool = False,
    durable: bool = True,
    fill: Callable[[Path], None] | None = None,
) -> Path:
    """Create an ensemble with room for `layout.target_draws`, empty unless `fill` writes draws, and return its path.

    Args:
        path: the new directory; its parents are made. A link to a directory stays, its target is used.
        layout: what it holds.
        attributes: the root attributes; `format`, `format_version`, `target_draws`, `chain_group`, `arrays` are added.
        force: replace an ensemble that is there. Anything else is never erased.
        durable: sync to the disk.
        fill: function that commits draws to the ensemble where it is built; it appears with them or not at all.

    Raises:
        ExistsError: an ensemble is there (also when another job was faster).
        SqcliError: something else is there, a run writes it (`BusyError`), or the disk is too small (says by how much).
    """
    path = resolved(Path(path))
    require_vacant(path, force=force)
    document = _root_document(path, layout, attributes)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        require_space(path.parent, path, layout.bytes_needed())
        _sweep(path)
        aside = path.with_name(f".{path.name}.{token_hex(4)}.new")
        try:
            _build(aside, layout, document, durable, fill)
            _publish(aside, path, force)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        if durable:
            sync_directory(path.parent)
    return path


def require_space(directory: Path, path: Path, needed: int) -> None:
    """Raise SqcliError where `needed` bytes are more than the free disk, before a long run finds out."""
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise SqcliError(f"{path}: needs {needed} bytes, {free} bytes are free; ask for fewer draws or free some space")


def require_vacant(path: Path, *, force: bool) -> None:
    """Raise SqcliError where no ensemble may be made: an ensemble is there and `force` is not given, or another thing.

    Raises:
        ExistsError: it is an ensemble.
    """
    if is_ensemble(path):
        if not force:
            raise ExistsError(f"{path}: an ensemble is there already; continue it, or --force to erase it")
    elif path.is_dir():
        if any(path.iterdir()):
            raise SqcliError(f"{path}: exists and is no sqcli ensemble; choose another name")
    elif path.exists() or path.is_symlink():
        raise SqcliError(f"{path}: exists and is no directory; choose another name")


def _root_document(path: Path, layout: Layout, attributes: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        "format": ENSEMBLE_FORMAT,
        "format_version": ENSEMBLE_FORMAT_VERSION,
        "target_draws": layout.target_draws,
        "chain_group": layout.chain_group,
        ARRAYS: sorted(layout.arrays(path)),
    }
    full = {**own, **attributes, **own}
    if not is_json(full):
        raise SqcliError(f"{path}: the attributes cannot be written as JSON")
    return _group(full)


def _group(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}


def ensure_group(root: Path, name: str, durable: bool) -> None:
    """Make the Zarr group `name` of the ensemble `root` unless it is there."""
    path = root / name
    if not (path / "zarr.json").exists():
        path.mkdir(exist_ok=True)
        replace_json(path / "zarr.json", _group({}), root=root, durable=durable)


def _build(
    aside: Path, layout: Layout, root: Mapping[str, Any], durable: bool, fill: Callable[[Path], None] | None
) -> None:
    aside.mkdir()
    for name in GROUPS:
        ensure_group(aside, name, durable)
    for array in layout.arrays(aside).values():
        array.directory.mkdir()
        array.save(aside, durable=durable)
    # the root comes last: what a power cut leaves half made does not pass for an ensemble
    replace_json(aside / "zarr.json", root, root=aside, durable=durable)
    if durable:
        for name in GROUPS:
            sync_directory(aside / name)
    if fill is not None:
        fill(aside)


def _publish(aside: Path, path: Path, force: bool) -> None:
    with ExitStack() as stack:
        if force and is_ensemble(path):
            _take_away(path, stack)
        try:
            aside.rename(path)  # replaces nothing but an empty directory
        except OSError as error:
            if is_ensemble(path):
                raise ExistsError(f"{path}: another job created it a moment ago") from error
            raise


def _take_away(path: Path, stack: ExitStack) -> None:
    """Rename the ensemble that is there, to be removed in the end; `BusyError` when a run is writing it."""
    locked = _lock_all(path, set(), stack)
    aside = path.with_name(f".{path.name}.{token_hex(4)}.aside")  # a suffix that `_sweep` leaves alone
    path.rename(aside)
    try:
        _lock_all(aside, locked, stack)  # a run may have begun between our look and the renaming
    except BaseException:
        aside.rename(path)
        raise
    old = aside.rename(aside.with_suffix(".old"))
    stack.callback(shutil.rmtree, old, ignore_errors=True)


def _lock_all(path: Path, locked: set[str], stack: ExitStack) -> set[str]:
    """Take the locks of an ensemble that are not `locked` yet, and return the names of all."""
    names = {file.stem for file in lock_directory(path).glob("*.lock")}
    for name in sorted(names - locked):
        stack.enter_context(Lock(path, name, "it"))
    return names | locked


def _sweep(path: Path) -> None:
    """Remove what killed jobs left beside the ensemble at `path` while they created or replaced it."""
    name = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.(old|new)")
    for leftover in path.parent.iterdir():
        if match := name.fullmatch(leftover.name):
            with suppress(FileNotFoundError):  # another job may have swept it away
                if match[1] == "old" or time.time() - leftover.lstat().st_mtime > _FORGOTTEN_AFTER:
                    shutil.rmtree(leftover, ignore_errors=True)
