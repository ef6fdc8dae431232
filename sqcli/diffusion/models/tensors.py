"""Named tensors in safetensors files.

A file's note, JSON in its header, holds the SHA-256 of the whole file with 64 zeros in the digest's own place.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from sqcli.diffusion.models.files import CHECKSUM, SEAL, SEALED, replace_file
from sqcli.errors import DamageError, SqcliError
from sqcli.files import read_bytes

DIVERGED = "the training diverged; lower --learning-rate and start anew with --force"
MOST_BYTES = 2**33
LENGTH = 8  # bytes before the header that say how long it is
ZEROS = "0" * 64


def write_tensors(model: Path, name: str, tensors: Mapping[str, Tensor], note: Mapping[str, Any] | None = None) -> str:
    """Replace the file `name` of a model, with `note`, any JSON, beside the tensors; return the SHA-256 of its bytes.

    Raises:
        SqcliError: a number is not finite, or the file cannot be written.
    """
    for key, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise SqcliError(f"{model / name}: {key} would hold numbers that are not finite: {DIVERGED}")
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    data = save(plain, {"note": json.dumps({**(note or {}), SEALED: SEAL, CHECKSUM: ZEROS})})
    data = _with_digest(data, ZEROS, hashlib.sha256(data).hexdigest())
    replace_file(model, name, data)
    return hashlib.sha256(data).hexdigest()


def _with_digest(data: bytes, old: str, new: str) -> bytes:
    """Replace the digest `old` in the note by `new`; the bytes are unchanged where it is not there."""
    return data.replace(_in_header(old), _in_header(new), 1)


def _in_header(digest: str) -> bytes:
    """Bytes of the digest as it stands in the file: JSON within a text of JSON."""
    inner = json.dumps({CHECKSUM: digest})[1:-1]
    return json.dumps(inner)[1:-1].encode()


def read_tensors(file: Path, expected: str | None = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors, on the CPU, and the note beside them.

    Args:
        file: a file of a model.
        expected: SHA-256 of its bytes, where it is known.

    Raises:
        DamageError: the file is damaged, or holds numbers that are not finite.
        SqcliError: the file cannot be read.
    """
    data = read_bytes(file, MOST_BYTES)
    if expected is not None and hashlib.sha256(data).hexdigest() != expected:
        raise DamageError(f"{file}: the bytes are not those that were written (SHA-256 differs from model.yaml)")
    try:
        header = json.loads(data[LENGTH : LENGTH + int.from_bytes(data[:LENGTH], "little")])
        note = json.loads(header["__metadata__"]["note"])
        _require_seal(file, data, note)
        tensors = load(data)
    except (SafetensorError, ValueError, TypeError, AttributeError, KeyError, RecursionError, RuntimeError) as error:
        raise DamageError(f"{file}: damaged ({str(error).partition(chr(10))[0]})") from None
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise DamageError(f"{file}: {name} holds numbers that are not finite")
    return tensors, note


def _require_seal(file: Path, data: bytes, note: Mapping[str, Any]) -> None:
    """DamageError unless the bytes are those that were written; files of earlier versions have no seal."""
    if SEALED not in note and CHECKSUM not in note:
        return
    stated = str(note.get(CHECKSUM))
    if note.get(SEALED) != SEAL or hashlib.sha256(_with_digest(data, stated, ZEROS)).hexdigest() != stated:
        raise DamageError(f"{file}: the bytes are not those that were written (the checksum differs)")


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put `prefix.` before every name."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the tensors whose names begin with `prefix.`, without it."""
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
