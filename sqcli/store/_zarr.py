"""Arrays handed out by zarr itself: those of an ensemble, and those that other programs wrote.

Only what is asked for by name goes this way: zarr takes longer to load than a small ensemble takes to be measured,
and it knows neither commits nor what a missing chunk means here.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError

if TYPE_CHECKING:
    from zarr import Array, Group

METADATA = ("zarr.json", ".zarray", ".zgroup")


def open_group(path: Path) -> "Group":
    """Open the ensemble at `path` as a group of zarr, for reading only and with its metadata as they are now."""
    import zarr

    with _one_line(path, "no Zarr group that can be read"):
        return zarr.open_group(path, mode="r", use_consolidated=False)


def open_foreign(path: str | Path) -> "Array[Any]":
    """Open an array of numbers that any program wrote, in Zarr format 2 or 3; reads nothing but its metadata.

    The array is zarr's own, read-only: `shape`, `dtype`, `chunks`, `attrs`, and in format 3 `metadata.dimension_names`.

    Raises:
        SqcliError: one line, for whatever is no such array.
    """
    import zarr

    path = Path(path)
    if not any((path / name).exists() for name in METADATA):
        what = "no Zarr array (no directory with zarr.json or .zarray)" if path.exists() else "no such array"
        raise SqcliError(f"{path}: {what}")
    with _one_line(path, "no Zarr array that can be read"):
        found = zarr.open(path, mode="r", use_consolidated=False)
    if not isinstance(found, zarr.Array):
        raise SqcliError(f"{path}: is a Zarr group; give the path of one of its arrays")
    if found.dtype.kind not in "biufc":
        raise SqcliError(f"{path}: holds {found.dtype}, not numbers")
    return found


def read_foreign(path: str | Path, selection: Any = ...) -> NDArray[Any]:
    """Read an array of numbers that any program wrote, or the part `selection` of it (NumPy's basic indexing).

    Formats, codecs, chunks, shards and byte orders are those that zarr knows; the result is in the machine's byte
    order. A chunk that does not exist counts as fill values, as Zarr wants it: arrays of an ensemble, where it may
    be damage or not yet committed, are read with `open_ensemble`. An array too large for the memory is read in parts,
    by the shape that `open_foreign` tells.

    Raises:
        SqcliError: one line, for whatever is no such array or cannot be decoded.
    """
    array = open_foreign(path)
    with _one_line(Path(path), "cannot be read"):
        values = np.asarray(array[selection])
    return values.astype(values.dtype.newbyteorder("="), copy=False)


@contextmanager
def _one_line(path: Path, fault: str) -> Iterator[None]:
    """Turn whatever zarr and its codecs raise about foreign bytes into one line; what they warn of concerns writers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SqcliError(f"{path}: {fault} ({reason})") from error
