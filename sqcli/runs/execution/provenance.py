"""Provenance of an ensemble, for the reader in ten years: versions, commit, command line; no user, no host.

An absolute path often names its user: only its last part is kept, or its way from the folder of the ensemble that
states it. With `SQCLI_FULL_PATHS=1` all paths are kept as they were given.
"""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sqcli

FULL = "SQCLI_FULL_PATHS"
SHARED = 3  # parts that two paths must share for the way between them to name nobody
ABSOLUTE = re.compile(r"(?:(?<=[=:,])|^)[/~][^=,:]*")
PATHS = ("ensemble", "model")  # keys of a parent that hold paths
PACKAGES = ("numpy", "numba", "zarr", "scipy", "torch")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Find the commit of the checkout that sqcli runs from; None for an installed package."""
    root = Path(sqcli.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def storable_path(path: str | Path, beside: Path | None = None) -> str:
    """Write a path as it may be stored.

    A relative path stays as it is. Of an absolute one the way from the folder of `beside` is kept where both lie close
    together, and otherwise the last part alone.
    """
    text = str(path)
    if not text.startswith(("/", "~")) or _full():
        return text
    if beside is not None:
        folder, target = beside.absolute().parent, Path(os.path.normpath(text))
        if len(Path(os.path.commonpath([folder, target])).parts) > SHARED or target.is_relative_to(folder):
            return os.path.relpath(target, folder)
    return Path(text).name or text


def storable_parent(parent: Mapping[str, Any], beside: Path) -> dict[str, Any]:
    """Describe an ensemble or a model that `beside` was made from, with its path as it may be stored."""
    return dict(parent) | {key: storable_path(parent[key], beside) for key in PATHS if key in parent}


def _anonymous(word: str) -> str:
    """Write a word of a command line without the folders of absolute paths."""
    return word if _full() else ABSOLUTE.sub(lambda match: storable_path(match[0]), word)


def _full() -> bool:
    return os.environ.get(FULL, "0") not in ("", "0")


def creation(command_line: Sequence[str], device: str, parents: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return the root attributes that say when, by what and from what an ensemble was made."""
    versions = {package: found for package in PACKAGES if (found := _version(package))}
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "inference_library": "sqcli",
        "inference_library_version": sqcli.__version__,
        "provenance": {
            "command_line": [_anonymous(word) for word in command_line],
            "versions": {"python": platform.python_version(), "sqcli": sqcli.__version__, **versions},
            "git_commit": _commit(),
            "device": device,
            "parents": [dict(parent) for parent in parents],
        },
    }
