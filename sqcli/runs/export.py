"""Export of ensembles to formats of other programs, written aside and renamed, never held in memory as a whole.

`npz` holds the field (chain, draw, *site), the numbers per draw (chain, draw) and `metadata`, the root attributes as
JSON text; `npy` holds the field alone, to be memory-mapped; both are cut to the draws that all chains have, and chains
that have not begun are refused. `csv` holds the kept series, one line per chain and draw, each chain as far as it goes.
`nersc` and `ildg` are folders with one file a configuration. Weights go along wherever draws are weighted.
"""

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sqcli import store
from sqcli.analysis.ensemble import LOG_WEIGHT, carries_weights
from sqcli.errors import SqcliError, UsageError
from sqcli.files import explained, replacing
from sqcli.runs.export_links import export_links, require_links
from sqcli.text import cell

BLOCK_BYTES = 16 * 2**20
OTHERS = ("h5", "hdf5", "nc", "parquet", "json", "zip", "gz")  # endings that none of our formats may bear


def export(path: Path, out: Path, kind: str | None = None, *, force: bool = False) -> str:
    """Write the ensemble at `path` to `out` as `kind`, one of `KINDS` or `FOLDERS`, or as its ending says.

    Returns:
        One line that says what was written and what was left out.

    Raises:
        SqcliError: no readable ensemble; `out` exists and `force` is not given; nothing committed, or measured (csv);
            no links of 4D SU(3) (nersc, ildg).
        UsageError: an unknown kind, or a name that ends in another one.
    """
    kind = kind_of(out, kind)
    ensemble = store.open_ensemble(path)
    if not ensemble.draws.any():
        raise SqcliError(f"{path}: no draw is committed yet; there is nothing to export")
    if kind in FOLDERS:
        found = require_links(path, kind)
        with explained(out):
            written = export_links(found, _target(ensemble, out, force, folder=True), kind)
        return f"wrote {written} configurations into {out}"
    with explained(out), replacing(_target(ensemble, out, force)) as file:
        KINDS[kind](ensemble, file)
    most, least = int(ensemble.draws.max()), int(ensemble.draws.min())
    cut = f", the {least} draws that all chains have (of up to {most})" if kind != "csv" and least < most else ""
    return f"wrote {out}{cut}"


def kind_of(out: Path, kind: str | None) -> str:
    """Find the format of a file of that name; UsageError where there is none, or where name and `kind` contradict."""
    ending = out.suffix[1:].lower()
    offered = ", ".join((*KINDS, *FOLDERS))
    if kind is not None and kind not in (*KINDS, *FOLDERS):
        raise UsageError(f"cannot export as {kind!r}; there are: {offered}")
    if out.name in ("-", "") or (kind is None and ending not in KINDS):
        named = ", ".join(KINDS)
        raise UsageError(
            f"{out}: the name of the file must end in its format, one of {named}, or --format say it, "
            f"as for a folder of {' or '.join(FOLDERS)}"
        )
    if kind is not None and ending != kind and ending in (*KINDS, *FOLDERS, *OTHERS):
        raise UsageError(f"{out}: the name ends in .{ending}, --format is {kind}; there are: {offered}")
    return kind or ending


def _target(ensemble: store.Ensemble, out: Path, force: bool, *, folder: bool = False) -> Path:
    """Return the path to write, where `out` is a link its target; SqcliError where nothing may be written there."""
    target = Path(os.path.realpath(out))
    if target.exists() and not (target.is_dir() if folder else target.is_file()):  # a rename would destroy a device
        raise SqcliError(f"{out}: exists and is no {'folder' if folder else 'file'}; choose another name")
    if ensemble.path.resolve() in target.parents:
        raise SqcliError(f"{out}: lies inside the ensemble {ensemble.path}; choose another place")
    if target.exists() and not force:
        raise SqcliError(f"{out}: exists; choose another name, or --force to replace it")
    return target


def _npy(ensemble: store.Ensemble, file: IO[bytes]) -> None:
    """Write the field as npy; SqcliError where draws carry weights."""
    if carries_weights(ensemble):
        raise SqcliError(f"{ensemble.path}: its draws carry weights, which npy has no room for; export npz")
    _write_array(file, ensemble[ensemble.layout.field])


def _npz(ensemble: store.Ensemble, file: IO[bytes]) -> None:
    """Write the field, the numbers per draw and the metadata as npz."""
    carries_weights(ensemble)
    metadata = json.dumps(dict(ensemble.attrs), ensure_ascii=False, sort_keys=True)
    with zipfile.ZipFile(file, "w") as archive:
        for name in (ensemble.layout.field, *ensemble.stat_names):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                _write_array(entry, ensemble[name])
        with archive.open("metadata.npy", "w") as entry:
            np.lib.format.write_array(entry, np.array(metadata))


def _write_array(file: IO[bytes], array: store.Committed) -> None:
    """Write header and numbers of an `.npy` file, chain by chain in blocks of draws."""
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, header)
    chains, draws = array.shape[:2]
    step = max(1, BLOCK_BYTES // max(1, int(np.prod(array.shape[2:])) * array.dtype.itemsize))
    for chain in range(chains):
        for start in range(0, draws, step):
            file.write(np.ascontiguousarray(array[chain, start : start + step]).tobytes())


def _csv(ensemble: store.Ensemble, file: IO[bytes]) -> None:
    """Write the kept series as csv; SqcliError where there are none."""
    names = store.observable_names(ensemble.path)
    if not names:
        raise SqcliError(f"{ensemble.path}: no series is kept; run `sqcli measure` first")
    columns = [column for name in names for column in _columns(ensemble, name)]
    if carries_weights(ensemble):
        columns.append((LOG_WEIGHT, ensemble.stat(LOG_WEIGHT)))
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["chain", "draw", *(cell(head) for head, _ in columns)])
    for chain, draws in enumerate(ensemble.draws):
        series = [values[chain] for _, values in columns]
        for draw in range(int(draws)):
            writer.writerow([chain, draw, *(_cell(numbers, draw) for numbers in series)])
    text.detach()


def _columns(ensemble: store.Ensemble, name: str) -> Iterator[tuple[str, list[NDArray[Any]]]]:
    """Yield head and numbers per chain for every component of a series; a complex one makes two columns."""
    series = store.read_observable(ensemble.path, name)
    for index, component in enumerate(series.components or (None,) if series else ()):
        assert series is not None
        head = name if component is None else f"{name}[{component}]"
        values = series.values if component is None else [chain[:, index] for chain in series.values]
        if np.iscomplexobj(values[0]):
            yield f"{head} re", [chain.real for chain in values]
            yield f"{head} im", [chain.imag for chain in values]
        else:
            yield head, values


def _cell(numbers: NDArray[Any], draw: int) -> str:
    """Write a number in full precision, `-inf` where a weight vanishes; nothing where it is not measured or NaN."""
    return repr(float(numbers[draw])) if draw < len(numbers) and not np.isnan(numbers[draw]) else ""


KINDS: dict[str, Callable[[store.Ensemble, IO[bytes]], None]] = {"npz": _npz, "npy": _npy, "csv": _csv}
FOLDERS = ("nersc", "ildg")
