"""What can go wrong on disk, in words, and the two cases a caller may want to catch.

Damage (`DamageError`) and a busy chain (`BusyError`) live in `sqcli.errors`.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqcli.errors import SqcliError


class ExistsError(SqcliError):
    """An ensemble is there already, perhaps made a moment ago by a job of the same run: open it."""


class ReadOnlyError(SqcliError):
    """The ensemble may be read but not written; what was computed can still be reported."""


_ADVICE = {
    errno.ENOSPC: "no space left; what was committed is safe: free some space and run again",
    errno.EDQUOT: "disk quota exceeded; what was committed is safe: free some space and run again",
    errno.EFBIG: "file size limit reached (ulimit -f); what was committed is safe: raise it and run again",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an `OSError` met while writing below `path` into one line that says what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise ReadOnlyError(f"{path}: cannot be written ({reason})") from error
        advice = _ADVICE.get(error.errno or 0, reason)
        raise SqcliError(f"{path}: {advice}") from error
