"""Replacement of entries of a recipe: by `--set`, and by the profile that is chosen."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from sqcli.errors import UsageError
from sqcli.recipes._kinds import KINDS
from sqcli.recipes._model import CPU
from sqcli.recipes._yaml import parse

NAMING = (*KINDS, "plot")  # keys that name an entry of a list


def choose(content: Any, profile: str) -> None:
    """Replace in the `content` of a recipe the entries that its profile `profile` replaces.

    Raises:
        UsageError: the recipe has no such profile, or one that replaces what is not there.
    """
    profiles = content.get("profiles") if isinstance(content, dict) else None
    known = [*dict.fromkeys([CPU, *profiles])] if isinstance(profiles, dict) else [CPU]
    if profile not in known:
        raise UsageError(f"there is no profile {profile!r}; there are: {', '.join(map(str, known))}")
    changes = profiles.get(profile) if isinstance(profiles, dict) else None
    for key, value in (changes if isinstance(changes, dict) else {}).items():
        _put(content, str(key), value, f"profiles.{profile}.{key}")


def replace(content: Any, settings: Mapping[str, str]) -> None:
    """Replace entries in the `content` of a recipe: dotted key -> value as YAML.

    Raises:
        UsageError: a value is no YAML, or the recipe has no such entry.
    """
    for key, value in settings.items():
        try:
            parsed = parse(value)
        except ValueError as error:
            raise UsageError(f"--set {key}: {error}") from None
        _put(content, key, parsed, f"--set {key}")


def _put(content: Any, key: str, value: Any, what: str) -> None:
    """Put `value` where a dotted key leads; steps and plots are found by name, entries of other lists by number.

    Raises:
        UsageError: the key, which messages call `what`, leads nowhere.
    """
    *way, last = key.split(".")
    holder = reduce(lambda outer, part: _entry(outer, part, what), way, content)
    if isinstance(holder, list):
        holder[_index(holder, last, what)] = value
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise UsageError(f"{what}: the recipe has nothing there to replace")


def _entry(holder: Any, part: str, what: str) -> Any:
    """Return the entry `part` of a mapping or a list; UsageError where there is none."""
    if isinstance(holder, list):
        return holder[_index(holder, part, what)]
    if isinstance(holder, dict) and holder.get(part) is not None:
        return holder[part]
    raise UsageError(f"{what}: the recipe has no {part!r} there")


def _index(entries: list[Any], part: str, what: str) -> int:
    """Find the index of a list's entry by name or number; UsageError where there is none."""
    named = [_name(entry) for entry in entries]
    if part in named:
        return named.index(part)
    if part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(entries):
        return int(part)
    allowed = ", ".join(name for name in named if name is not None) or f"0 to {len(entries) - 1}"
    raise UsageError(f"{what}: no entry {part!r}; there are: {allowed}")


def _name(entry: Any) -> str | None:
    found = [entry[key] for key in NAMING if key in entry] if isinstance(entry, dict) else []
    return next((name for name in found if isinstance(name, str)), None)
