"""Errors that a user can meet; each knows the exit code it leads to.

A message is one line: what is wrong, where, and what to do about it.
"""

import sys
from typing import ClassVar


class SqcliError(Exception):
    """Failure that the user can mend; one line, no traceback."""

    exit_code: ClassVar[int] = 1


class UsageError(SqcliError):
    """Malformed command, option or recipe."""

    exit_code: ClassVar[int] = 2


class DamageError(SqcliError):
    """Damage: bytes on disk are not what was committed."""


class BusyError(SqcliError):
    """Conflict with another process, which owns the chains that were asked for."""


class Stopped(SqcliError):  # noqa: N818 - not a fault: the run is committed and resumable
    """Early end of a run by a signal or a time limit; run again to go on."""

    exit_code: ClassVar[int] = 75


INSTALLED_AS = {"yaml": "pyyaml", "google_crc32c": "google-crc32c"}


def missing(error: ImportError) -> str:
    """Say what to do about a package that is not there, or cannot be loaded."""
    package = str(error.name or "").partition(".")[0]
    package = INSTALLED_AS.get(package, package)
    if isinstance(error, ModuleNotFoundError) and package:
        return f"the package {package} is missing here; install it: {sys.executable} -m pip install {package}"
    return f"the package {package or 'that is needed'} cannot be loaded ({error}); install it anew"
