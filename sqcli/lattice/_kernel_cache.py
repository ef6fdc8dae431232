"""Folder of compiled kernels: one that takes files, and that nobody but this user can put code into.

What lies there is loaded and run. So a folder counts only if it is a directory itself (no link), belongs to this user
and gives nobody else any right; in a shared temporary folder somebody else may have taken its name.
"""

import hashlib
import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from sqcli.errors import SqcliError

PACKAGE = Path(__file__).parent.parent
KERNEL_FOLDERS = ("lattice", "theories", "mcmc", "diffusion/samplers")
VARIABLE = "NUMBA_CACHE_DIR"
_TRIED = 100  # folders of earlier runs that are looked at


def choose() -> str:
    """Find a folder in the one that NUMBA_CACHE_DIR names, else below the user's cache or a temporary folder.

    Its name carries a stamp of all kernel sources.

    Raises:
        SqcliError: none can be made.
    """
    name, named = f"kernels-{_stamp()}", os.environ.get(VARIABLE)
    if named:
        chosen = Path(named) if Path(named).name == name else Path(named, name)  # a parent process has chosen already
        if _private(chosen):
            return str(chosen)
    own = next((folder / name for folder in _candidates() if _private(folder) and _private(folder / name)), None)
    if own is None:
        raise SqcliError(f"no folder for compiled kernels can be made; set {VARIABLE} to one that can be written")
    if named:
        warnings.warn(f"{VARIABLE}={named} is no folder to be trusted and written; using {own}", stacklevel=2)
    return str(own)


def _candidates() -> Iterator[Path]:
    """Folders to try: the user's cache; in the temporary folder the usual name, those of earlier runs, a fresh one."""
    with suppress(RuntimeError):  # no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sqcli"
    try:
        shared, name = Path(tempfile.gettempdir()), f"sqcli-{os.getuid()}"
        yield shared / name
        yield from islice((path for path in shared.glob(f"{name}-*") if _private(path)), _TRIED)
        yield Path(tempfile.mkdtemp(prefix=f"{name}-"))
    except OSError:
        return


def _stamp() -> str:
    """Hash path, time and size of every file with kernels; numba itself looks only at the file of the function."""
    files = sorted(path for folder in KERNEL_FOLDERS for path in (PACKAGE / folder).rglob("*.py"))
    facts = [f"{path}:{path.stat().st_mtime_ns}:{path.stat().st_size}" for path in files]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _takes_files(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private(folder: Path) -> bool:
    """Tell whether `folder`, made where nothing has its name, is this user's alone and takes files."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        facts = folder.lstat()
    except OSError:
        return False
    alone = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077
    return alone and _takes_files(folder)
