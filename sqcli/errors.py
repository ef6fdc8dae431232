"""The errors a user can meet; each knows the exit code it leads to.

A message is one line: what is wrong, where, and what to do about it.
"""

from typing import ClassVar


class SqcliError(Exception):
    """Something failed that the user can mend; one line, no traceback."""

    exit_code: ClassVar[int] = 1


class UsageError(SqcliError):
    """The command, an option or a recipe is malformed."""

    exit_code: ClassVar[int] = 2


class DamageError(SqcliError):
    """Bytes on disk are not what was committed."""


class BusyError(SqcliError):
    """Another process owns the chains that were asked for."""


class Stopped(SqcliError):  # noqa: N818 - not a fault: the run is committed and resumable
    """Stopped early by a signal or a time limit; run again to go on."""

    exit_code: ClassVar[int] = 75
