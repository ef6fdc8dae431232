"""Metadata documents of a store: plain JSON objects in files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqcli.errors import DamageError
from sqcli.files import read_bytes, replace_files

MOST_METADATA = 64 * 2**20  # bytes of a metadata file; one of a million chains has a fifth of that


def replace_json(
    file: Path, document: Mapping[str, Any], *, root: Path, durable: bool, scratch: Path | None = None
) -> None:
    """Replace a metadata file below `root`."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()
    replace_files([(file, [text])], root=root, durable=durable, scratch=scratch)


def read_json(file: Path) -> dict[str, Any]:
    """Read a metadata file; `FileNotFoundError` when absent, `DamageError` when it is not a plain JSON object."""
    return parse_json(file, read_bytes(file, MOST_METADATA))


def parse_json(file: Path, text: bytes, **hooks: Any) -> dict[str, Any]:
    """The JSON object in `text`, which was read from `file`; names stand once in it, numbers are finite.

    Raises:
        DamageError: it is anything else.
    """
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, **hooks)
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{file}: damaged metadata, not valid JSON") from error
    if not isinstance(document, dict):
        raise DamageError(f"{file}: damaged metadata, not a JSON object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
