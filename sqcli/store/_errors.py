"""Errors that a caller of the store may want to catch.

Damage (`DamageError`) and a busy chain (`BusyError`) live in `sqcli.errors`, `ReadOnlyError` in `sqcli.files`.
"""

from sqcli.errors import SqcliError
from sqcli.files import ReadOnlyError

__all__ = ["ExistsError", "ReadOnlyError"]


class ExistsError(SqcliError):
    """Ensemble that is there already, perhaps made a moment ago by a job of the same run: open it."""
