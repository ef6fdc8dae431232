"""Opening of an ensemble: its root attributes, and arrays that must agree with each other."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqcli.errors import DamageError, SqcliError
from sqcli.store._arrays import LONGEST, Array, array_names
from sqcli.store._creation import ARRAYS, ENSEMBLE_FORMAT, ENSEMBLE_FORMAT_VERSION
from sqcli.store._documents import CHECKSUM, read_json
from sqcli.store._identity import require_identity
from sqcli.store._layout import RECORD_FIELDS, Layout

CHECKPOINT = ("checkpoint/field", "checkpoint/rng", "checkpoint/record")
_ARRAY = re.compile(r"(configurations|sample_stats|checkpoint)/\w+")


def read_root(path: Path) -> dict[str, Any]:
    """Read the root attributes of the ensemble at `path`; one line naming path and fault for anything else."""
    document = _root_document(path)
    if document.get("zarr_format") != 3:
        raise SqcliError(f"{path}: no sqcli ensemble (zarr_format is {document.get('zarr_format')!r}, not 3)")
    attributes = document.get("attributes")
    if document.get("node_type") != "group" or not isinstance(attributes, dict):
        raise SqcliError(f"{path}: no sqcli ensemble (not the root of a Zarr group with attributes)")
    if attributes.get("format") != ENSEMBLE_FORMAT:
        raise SqcliError(f"{path}: a Zarr group but no sqcli ensemble (attribute format is not {ENSEMBLE_FORMAT!r})")
    if attributes.get("format_version") != ENSEMBLE_FORMAT_VERSION:
        version = attributes.get("format_version")
        raise SqcliError(f"{path}: format_version is {version!r}, this sqcli reads {ENSEMBLE_FORMAT_VERSION}")
    for name in ("target_draws", "chain_group"):
        if type(attributes.get(name)) is not int or not 0 <= attributes[name] < LONGEST:
            raise DamageError(f"{path}/zarr.json: damaged metadata, {name} is {attributes.get(name)!r}")
    if is_sealed(attributes) and not (CHECKSUM in attributes and _lists_arrays(attributes.get(ARRAYS))):
        raise DamageError(f"{path}/zarr.json: damaged metadata, its checksum or its list of arrays is missing")
    return attributes


def is_sealed(attributes: Mapping[str, Any]) -> bool:
    """Tell whether metadata have checksums and the root lists the arrays, as in all but the oldest ensembles."""
    return CHECKSUM in attributes or ARRAYS in attributes


def _lists_arrays(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) and _ARRAY.fullmatch(name) for name in names)


def _root_document(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise SqcliError(f"{path}: no such ensemble")
    if not path.is_dir():
        raise SqcliError(f"{path}: no sqcli ensemble (not a directory)")
    try:
        return read_json(path / "zarr.json")
    except FileNotFoundError:
        if any((path / name).exists() for name in (".zgroup", ".zarray", ".zmetadata")):
            raise SqcliError(f"{path}: no sqcli ensemble (a Zarr v2 store)") from None
        if (path / "model.yaml").is_file():
            raise SqcliError(f"{path}: is a model, not an ensemble; `sqcli sample` draws an ensemble from it") from None
        raise SqcliError(f"{path}: no sqcli ensemble (a directory without zarr.json)") from None


def read_arrays(path: Path, attributes: Mapping[str, Any]) -> tuple[Layout, dict[str, Array]]:
    """Read layout and arrays of an ensemble, observables left out; `DamageError` where they are missing or disagree."""
    names = attributes.get(ARRAYS) or _found(path)
    fields, statistics = (
        [n.split("/")[1] for n in names if n.startswith(g)] for g in ("configurations/", "sample_stats/")
    )
    if len(fields) != 1:
        raise DamageError(f"{path}/configurations: damaged, holds {len(fields)} arrays instead of one")
    names = [f"configurations/{fields[0]}", *(f"sample_stats/{name}" for name in statistics), *CHECKPOINT]
    arrays = {name: Array.load(path / name, sealed=is_sealed(attributes)) for name in names}
    field, record = arrays[names[0]], arrays["checkpoint/record"]
    try:
        layout = Layout(
            fields[0],
            field.shape[2:],
            field.dims[2:],
            field.dtype.name,
            {name: arrays[f"sample_stats/{name}"].dtype.name for name in statistics},
            record.shape[0],
            attributes["target_draws"],
            attributes["chain_group"],
            arrays["checkpoint/rng"].shape[-1],
        )
    except SqcliError:
        raise DamageError(f"{path}: damaged metadata, the arrays have impossible shapes or types") from None
    for name, array in arrays.items():
        _compare(array, layout, slots=2 if name in ("checkpoint/field", "checkpoint/rng") else None)
    if record.shape[1] != len(RECORD_FIELDS) or record.dtype != "int64":
        raise DamageError(f"{record.directory}: damaged metadata, not a commit record")
    require_identity(path, attributes, layout)
    return layout, arrays


def _found(path: Path) -> list[str]:
    """List the arrays that are there, of an ensemble whose root does not list them."""
    return [f"{group}/{name}" for group in ("configurations", "sample_stats") for name in array_names(path / group)]


def _compare(array: Array, layout: Layout, slots: int | None) -> None:
    agrees = array.shape[0] == layout.chains and array.chunks[0] == layout.chain_group
    if slots:
        agrees &= array.shape[1] == slots and array.chunks[1] == 1
    if array.directory.name == "field":
        agrees &= array.shape[2:] == layout.site and array.dtype == layout.dtype
    if not agrees:
        raise DamageError(f"{array.directory}: damaged metadata, shape {array.shape} contradicts the other arrays")
