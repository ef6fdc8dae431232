"""Named tensors in safetensors files."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sqcli.diffusion._disk import replace_file
from sqcli.errors import DamageError, SqcliError

DIVERGED = "the training diverged; lower --learning-rate and start anew with --force"


def write_tensors(file: Path, tensors: Mapping[str, Tensor], note: Mapping[str, Any] | None = None) -> str:
    """Replace `file`; `note` is any JSON kept beside them. The SHA-256 of the bytes.

    Raises:
        SqcliError: a number is not finite, or the file cannot be written.
    """
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise SqcliError(f"{file}: {name} would hold numbers that are not finite: {DIVERGED}")
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    data = save(plain, {"note": json.dumps(note or {})})
    replace_file(file, data)
    return hashlib.sha256(data).hexdigest()


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors on the CPU, and the note.

    Raises:
        DamageError: the file is damaged or holds numbers that are not finite.
        SqcliError: it cannot be read.
    """
    try:
        with safe_open(file, framework="pt", device="cpu") as handle:
            note = json.loads((handle.metadata() or {}).get("note", "{}"))
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a mapping
    except OSError as error:
        raise SqcliError(f"{file}: cannot be read ({error.strerror or error})") from error
    except (SafetensorError, ValueError, RecursionError, RuntimeError) as error:
        raise DamageError(f"{file}: damaged ({str(error).partition(chr(10))[0]})") from None
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise DamageError(f"{file}: {name} holds numbers that are not finite")
    return tensors, note


def require_checksum(file: Path, expected: object) -> None:
    """DamageError when the bytes of `file` are not those of SHA-256 `expected`."""
    if hashlib.sha256(file.read_bytes()).hexdigest() != expected:
        raise DamageError(f"{file}: the bytes are not those that were written (SHA-256 differs from model.yaml)")


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names with `prefix.` before them."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Inverse of `prefixed`: those that begin with it."""
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
