"""Locks that have one owner at a time: flock on a file, which the kernel releases when its holder dies.

Lock files lie in `checkpoint/record/`, an array's directory, where Zarr readers do not list them. They are never
removed (another process may be about to lock the same file), only emptied.
"""

import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from sqcli.errors import BusyError, SqcliError
from sqcli.files import explained, open_lock, require_own_directories

PATIENCE = 20.0  # seconds; what is done under a lock that others wait for takes far less
_LOOK_AGAIN = 0.02
_WITHOUT_FLOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def lock_directory(ensemble: Path) -> Path:
    """Name the directory that an ensemble's lock files lie in."""
    return ensemble / "checkpoint" / "record"


class Lock:
    """Exclusive lock `name` of an ensemble, a context manager; `what` is being done, for the message to others.

    A holder raises `BusyError`: at once, or with `wait` when it has not let go after `PATIENCE` seconds.
    """

    def __init__(self, ensemble: Path, name: str, what: str, *, wait: bool = False) -> None:
        self._ensemble = ensemble
        self._file = lock_directory(ensemble) / f"{name}.lock"
        self._what = what
        self._wait = wait
        self._descriptor = -1

    def __enter__(self) -> "Lock":
        with explained(self._ensemble):
            require_own_directories(self._ensemble, self._file.parent)
            descriptor = open_lock(self._file)
        try:
            self._acquire(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def _acquire(self, descriptor: int) -> None:
        try:
            self._flock(descriptor, time.monotonic() + (PATIENCE if self._wait else 0.0))
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
            raise BusyError(f"{self._ensemble}: {self._what} is in the hands of {holder}") from None
        except OSError as error:
            if error.errno in _WITHOUT_FLOCK:
                raise SqcliError(
                    f"{self._ensemble}: this file system has no flock ({error.strerror}), "
                    "so two runs could write one chain; put the ensemble on another one or mount it with flock"
                ) from error
            raise SqcliError(f"{self._file}: cannot be locked ({error.strerror})") from error
        self._claim(descriptor)

    @staticmethod
    def _flock(descriptor: int, deadline: float) -> None:
        """Lock, trying until `deadline`; then `BlockingIOError`."""
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_LOOK_AGAIN)

    def _claim(self, descriptor: int) -> None:
        self._require_held(descriptor)
        with explained(self._ensemble):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)

    def require_held(self) -> None:
        """Raise `BusyError` where the ensemble was removed or replaced since it was locked."""
        self._require_held(self._descriptor)

    def _require_held(self, descriptor: int) -> None:
        try:
            same = os.path.samestat(os.fstat(descriptor), self._file.lstat())
        except (FileNotFoundError, NotADirectoryError):
            raise BusyError(f"{self._ensemble}: was removed by another process meanwhile") from None
        if not same:
            raise BusyError(f"{self._ensemble}: was replaced by another process meanwhile; run again")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.ftruncate(descriptor, 0)
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for copies of the descriptor in forked children
        finally:
            os.close(descriptor)
