"""Ensembles in the formats of other programs, written aside and renamed, never held in memory as a whole.

`npz` holds the field (chain, draw, *site), the numbers per draw (chain, draw) and `metadata`, the root attributes as
JSON text; `npy` holds the field alone, to be memory-mapped; `csv` the kept series, one line per chain and draw.
Fields are cut to the draws that all chains have committed.
"""

import contextlib
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
from sqcli.errors import SqcliError, UsageError

BLOCK_BYTES = 16 * 2**20


def export(path: Path, out: Path, kind: str, *, force: bool = False) -> None:
    """Write the ensemble at `path` to the file `out` as `kind`, one of `KINDS`.

    Raises:
        SqcliError: no readable ensemble; `out` exists and `force` is not given; nothing measured (csv).
        UsageError: an unknown kind.
    """
    if kind not in KINDS:
        raise UsageError(f"cannot export as {kind!r}; there are: {', '.join(KINDS)}")
    ensemble = store.open_ensemble(path)
    if out.exists() and not out.is_file():  # a folder, or a device that a rename would destroy
        raise SqcliError(f"{out}: exists and is no file; choose another name")
    if out.exists() and not force:
        raise SqcliError(f"{out}: exists; choose another name, or --force to replace it")
    with _aside(out) as file:
        KINDS[kind](ensemble, file)


@contextlib.contextmanager
def _aside(out: Path) -> Iterator[IO[bytes]]:
    """A file that takes the name `out` once it is complete, and vanishes when it never is."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _npy(ensemble: store.Ensemble, file: IO[bytes]) -> None:
    _write_array(file, ensemble[ensemble.layout.field])


def _npz(ensemble: store.Ensemble, file: IO[bytes]) -> None:
    metadata = json.dumps(dict(ensemble.attrs), ensure_ascii=False, sort_keys=True)
    with zipfile.ZipFile(file, "w") as archive:
        for name in (ensemble.layout.field, *ensemble.stat_names):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                _write_array(entry, ensemble[name])
        with archive.open("metadata.npy", "w") as entry:
            np.lib.format.write_array(entry, np.array(metadata))


def _write_array(file: IO[bytes], array: store.Committed) -> None:
    """Header and numbers of an `.npy` file, chain by chain in blocks of draws."""
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, header)
    chains, draws = array.shape[:2]
    step = max(1, BLOCK_BYTES // max(1, int(np.prod(array.shape[2:])) * array.dtype.itemsize))
    for chain in range(chains):
        for start in range(0, draws, step):
            file.write(np.ascontiguousarray(array[chain, start : start + step]).tobytes())


def _csv(ensemble: store.Ensemble, file: IO[bytes]) -> None:
    names = store.observable_names(ensemble.path)
    if not names:
        raise SqcliError(f"{ensemble.path}: no series is kept; run `sqcli measure` first")
    columns = [column for name in names for column in _columns(ensemble, name)]
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["chain", "draw", *(head for head, _ in columns)])
    for chain, draws in enumerate(ensemble.draws):
        series = [values[chain] for _, values in columns]
        for draw in range(int(draws)):
            writer.writerow([chain, draw, *(_cell(numbers, draw) for numbers in series)])
    text.detach()


def _columns(ensemble: store.Ensemble, name: str) -> Iterator[tuple[str, list[NDArray[Any]]]]:
    """Head and numbers per chain for every component of a series; a complex one as two columns."""
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
    """The number in full precision; empty where it is not measured or not a number."""
    return repr(float(numbers[draw])) if draw < len(numbers) and np.isfinite(numbers[draw]) else ""


KINDS: dict[str, Callable[[store.Ensemble, IO[bytes]], None]] = {"npz": _npz, "npy": _npy, "csv": _csv}
