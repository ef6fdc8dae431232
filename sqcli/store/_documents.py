"""Metadata documents of a store: plain JSON objects, sealed by a checksum over everything in them.

`attributes.checksum` is the SHA-256 of the document's sorted JSON, itself and `consolidated_metadata` (a copy that
other programs may add) left out. Numbers count as they are written, so that no digit can change unseen. Ensembles made
before there were checksums have none; what has one must agree with it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqcli.errors import DamageError
from sqcli.files import read_bytes, replace_files

CHECKSUM = "checksum"
MOST_METADATA = 64 * 2**20  # bytes of a metadata file; one of a million chains has a fifth of that
ROOT_GROWS, SERIES_GROWS = ("target_draws",), ("measured", "code_version")
"""Attributes that may change while an ensemble grows. Beside them only the arrays' draw length does."""
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_DEEPEST = 200  # brackets; of a document with more it is tried whether it can be written again


def replace_json(
    file: Path,
    document: Mapping[str, Any],
    *,
    root: Path,
    durable: bool,
    sealed: bool = True,
    scratch: Path | None = None,
) -> None:
    """Replace a metadata file below `root`, with a checksum of its own."""
    attributes = {key: value for key, value in document.get("attributes", {}).items() if key != CHECKSUM}
    document = {**document, "attributes": attributes}
    if sealed:
        attributes[CHECKSUM] = checksum_of(file, json.dumps(document, allow_nan=False).encode())
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()
    replace_files([(file, [text])], root=root, durable=durable, scratch=scratch)


def read_json(file: Path, *, sealed: bool = False) -> dict[str, Any]:
    """Read a metadata file, which must have a checksum where its ensemble is `sealed`.

    Raises:
        FileNotFoundError: it is absent.
        DamageError: it is no plain JSON object, or not what was written.
        SqcliError: it cannot be read.
    """
    text = read_bytes(file, MOST_METADATA)
    document = parse_json(file, text)
    attributes = document.get("attributes")
    stored = attributes.get(CHECKSUM) if isinstance(attributes, dict) else None
    if stored is None and sealed:
        raise DamageError(f"{file}: damaged metadata, its checksum is missing")
    if stored is not None and stored != checksum_of(file, text):
        raise DamageError(f"{file}: damaged metadata, the checksum does not match")
    return document


def checksum_of(file: Path, text: bytes) -> str:
    """Compute the checksum that the document `text` must have; errors name its `file`."""
    document = parse_json(file, text, parse_int=_as_written, parse_float=_as_written)
    document.pop("consolidated_metadata", None)
    attributes = document.get("attributes")
    if isinstance(attributes, dict):
        attributes.pop(CHECKSUM, None)
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _as_written(number: str) -> str:
    return f"number {number}"


def parse_json(file: Path, text: bytes, **hooks: Any) -> dict[str, Any]:
    """Parse the JSON object `text`, read from `file`; a name that stands twice and an infinite number are damage.

    What is read can be written again: no text holds half a character, nothing is nested too deeply.
    """
    try:
        document = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_no_constant, **hooks)
        if _HALF_CHARACTER.search(text) or text.count(b"[") + text.count(b"{") > _DEEPEST:
            json.dumps(document, ensure_ascii=False, indent=2).encode()
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
