"""Checks, common to all runs, that a request says enough and agrees with what is there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqcli import options
from sqcli import parameters as params
from sqcli.errors import SqcliError, UsageError


def require_given(request: Any) -> None:
    """Raise UsageError where an option is left out without which nothing new can be made."""
    missing = [each.flags[0] for each in options.missing(request)]
    if missing:
        raise UsageError(f"{request.path} does not exist; to create it, give {', '.join(missing)}")


def compare(path: Path, given: Mapping[str, Any], stored: Any, option: str, what: str) -> None:
    """Compare parameters given with those of the frozen dataclass `stored`.

    Raises:
        SqcliError: a parameter differs; names the first, with the stored and the given value.
        UsageError: a parameter is unknown or malformed.
    """
    mapping = params.to_mapping(stored)
    plain = any("." not in name for name in given)  # then it may no longer be the same names that have a dot
    kept = {name: value for name, value in mapping.items() if not (plain and "." in name)}
    rebuilt = params.to_mapping(params.build(type(stored), kept | dict(given), what))
    for name in given:
        if rebuilt[name] != mapping.get(name):
            raise difference(path, f"{option}{name}", mapping.get(name), rebuilt[name])


def difference(path: Path, option: str, stored: Any, given: Any) -> SqcliError:
    """Make the error of an option that differs from what is stored at `path`."""
    return SqcliError(
        f"{path}: {option} is {_shown(stored)} there, not {_shown(given)}; "
        "leave the option out to go on, choose another path, or --force to erase it"
    )


def _shown(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
