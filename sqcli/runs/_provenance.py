"""Where an ensemble came from, for the reader in ten years: versions, commit, command line. No user, no host."""

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sqcli

PACKAGES = ("numpy", "numba", "zarr", "scipy", "torch")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout sqcli runs from; None for an installed package."""
    root = Path(sqcli.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def creation(command_line: Sequence[str], device: str, parents: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Root attributes that say when, by what and from what an ensemble was made."""
    versions = {package: found for package in PACKAGES if (found := _version(package))}
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "inference_library": "sqcli",
        "inference_library_version": sqcli.__version__,
        "provenance": {
            "command_line": list(command_line),
            "versions": {"python": platform.python_version(), "sqcli": sqcli.__version__, **versions},
            "git_commit": _commit(),
            "device": device,
            "parents": list(parents),
        },
    }
