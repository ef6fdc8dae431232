"""Files of a model directory: each is either old or new, whenever the process dies, and nothing in it is trusted.

`model.yaml` is plain YAML without aliases and tags; tensors lie in safetensors files. Neither can hold code.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sqcli.diffusion.models.identity import identity_of
from sqcli.errors import BusyError, DamageError, SqcliError
from sqcli.files import explained, open_lock, read_bytes, replace_bytes, require_own_directories

MODEL_FORMAT = "sqcli-model"
MODEL_FORMAT_VERSION = 1
DOCUMENT = "model.yaml"
WEIGHTS = "weights.safetensors"
TRAINING = "training"
STATE = f"{TRAINING}/state.safetensors"
LOCK = "lock"
METRICS = "metrics.csv"
SEALED, CHECKSUM, SEAL = "sealed", "checksum", "sha256"
MOST_BYTES = 2**20  # largest size of model.yaml
DEEPEST = 16  # deepest nesting in model.yaml
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def is_model(path: Path) -> bool:
    """Tell whether `path` is a model directory, finished or not."""
    return (path / DOCUMENT).is_file()


def replace_file(model: Path, name: str, data: bytes) -> None:
    """Replace a file of the model at `model`: written aside, synced, renamed, its name synced, never through a link."""
    file = model / name
    with explained(model):
        require_own_directories(model, file.parent)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(file, data, root=model)


def is_partial(file: Path) -> bool:
    """Tell whether `file` is what a process left that died while it wrote a file of a model."""
    return file.suffix == ".partial" and file.is_file() and not file.is_symlink()


def require_free(path: Path) -> None:
    """Raise SqcliError where something is that is neither a model nor what the failed start of one left behind."""
    if path.is_symlink() and not path.exists():
        raise SqcliError(f"{path}: is a link to nothing; remove it or choose another path")
    if path.exists() and not (path.is_dir() and all(map(_is_debris, path.iterdir()))):
        raise SqcliError(f"{path}: there is something that is not a model; choose another path")


def _is_debris(entry: Path) -> bool:
    if entry.name == TRAINING and entry.is_dir() and not entry.is_symlink():
        return all(inner.name == LOCK or is_partial(inner) for inner in entry.iterdir())
    return is_partial(entry)


@contextlib.contextmanager
def owned(model: Path) -> Iterator[None]:
    """Own the model that this process trains, making its directory where none is; BusyError where another owns it."""
    directory = model / TRAINING
    with explained(model):
        require_own_directories(model, directory)
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = open_lock(directory / LOCK)
    with os.fdopen(descriptor, "wb"), explained(model):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{model}: another process is training this model") from None
        yield


def own_file(model: Path, name: str) -> Path:
    """Return the path of the file `name` of the model at `model`.

    Raises:
        SqcliError: the file is missing, no regular file, or a link that leads out of the model.
    """
    file = model / name
    if not file.exists():
        raise SqcliError(f"{model}: no {name} there; this is no model of sqcli, or its training is not finished")
    if not file.is_file() or model.resolve() not in file.resolve().parents:
        raise SqcliError(f"{file}: not a file inside the model's directory")
    return file


def read_document(path: Path) -> dict[str, Any]:
    """Read `model.yaml` of the model at `path`, and check its seal, format and version.

    Raises:
        SqcliError: there is no model, or one of another format.
        DamageError: the file is damaged.
    """
    if not path.is_dir():
        raise SqcliError(f"{path}: no such model" if not path.exists() else f"{path}: not a model directory")
    if (path / "zarr.json").is_file() and not (path / DOCUMENT).exists():
        raise SqcliError(f"{path}: is an ensemble, not a model; `sqcli train` makes a model of it")
    file = own_file(path, DOCUMENT)
    data = read_bytes(file, MOST_BYTES)
    _require_seal(file, data)
    try:
        text = data.decode()
        _require_plain(text)
        document = yaml.load(text, Loader=LOADER)  # constructs plain values only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DamageError(f"{file}: damaged, not valid YAML ({_first_line(error)})") from None
    if not isinstance(document, dict):
        raise SqcliError(f"{file}: not the description of a model (no keys and values)")
    if document.get("format") != MODEL_FORMAT:
        raise SqcliError(f"{file}: not the description of a model (format is not {MODEL_FORMAT})")
    if document.get("format_version") != MODEL_FORMAT_VERSION:
        found = document.get("format_version")
        raise SqcliError(f"{file}: format version {found!r} is not {MODEL_FORMAT_VERSION}; use a newer sqcli")
    if identity_of(document) not in (None, document.get("identity")):
        raise DamageError(f"{file}: its identity is not that of the training it describes; something was changed")
    return {name: value for name, value in document.items() if name not in (SEALED, CHECKSUM)}


def _require_seal(file: Path, data: bytes) -> None:
    """DamageError unless the bytes are those that were written; models of earlier versions have no seal."""
    has_seal, has_checksum = (f"\n{key}:".encode() in b"\n" + data for key in (SEALED, CHECKSUM))
    body, _, _ = data.rpartition(f"{CHECKSUM}:".encode())
    if (has_seal or has_checksum) and not (has_seal and data == sealed(body)):
        raise DamageError(f"{file}: the bytes are not those that were written (the checksum differs)")


def sealed(body: bytes) -> bytes:
    """Text of a description with its checksum as the last line."""
    return body + f'{CHECKSUM}: "{hashlib.sha256(body).hexdigest()}"\n'.encode()


def _require_plain(text: str) -> None:
    """ValueError for aliases or deep nesting, which would exhaust memory or the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            raise ValueError("aliases or deep nesting")


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Replace `model.yaml`; it holds plain numbers, texts, lists and mappings only."""
    plain = json.loads(json.dumps(document, allow_nan=False))
    head = {"format": MODEL_FORMAT, "format_version": MODEL_FORMAT_VERSION, SEALED: SEAL}
    text = yaml.safe_dump(head | plain, sort_keys=False, allow_unicode=True, width=110)
    replace_file(path, DOCUMENT, sealed(text.encode()))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
