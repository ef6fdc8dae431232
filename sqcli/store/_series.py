"""Measured series, kept in the ensemble: `observables/<name>` (chain, draw[, <name>_component]).

How many draws of a chain are measured stands in the array's attribute `measured`, which is written after the numbers
(it is their commit point): a measurement killed half-way counts nothing that is not there, and a number may be NaN.
All arrays of the group have one draw length, that of the longest; what is not measured is NaN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import DamageError
from sqcli.store._arrays import Array, array_names
from sqcli.store._root import is_sealed, read_root

ALL = slice(None)


@dataclass(frozen=True)
class Series:
    """Measured series: one array (n_i,) or (n_i, components) per chain, from draw 0 on."""

    values: list[NDArray[Any]]
    components: tuple[str, ...] | None
    attributes: Mapping[str, Any]


def observable_names(path: str | Path) -> list[str]:
    """List the names of the series kept in an ensemble."""
    return array_names(Path(path) / "observables")


def measured_draws(array: Array) -> list[int]:
    """Return the numbers of measured draws of the chains, as the array's attributes tell them."""
    measured = array.attributes.get("measured")
    if (
        not isinstance(measured, list)
        or len(measured) != array.shape[0]
        or not all(type(n) is int and 0 <= n <= array.shape[1] for n in measured)
    ):
        raise DamageError(f"{array.directory / 'zarr.json'}: damaged metadata, attribute 'measured'")
    return measured


def read_observable(path: str | Path, name: str, columns: slice = ALL) -> Series | None:
    """Read the kept series `name`, None where there is none; takes no lock.

    `columns` picks components, so that a large series need not fit into memory; with none of them nothing is read.
    """
    directory, sealed = Path(path) / "observables" / name, is_sealed(read_root(Path(path)))
    while directory.exists():
        array = Array.load(directory, sealed=sealed)
        try:
            return _read(array, columns)
        except DamageError:
            if Array.load(directory, sealed=sealed) == array:
                raise  # nobody replaced it while we read
    return None


def _read(array: Array, columns: slice) -> Series:
    measured, g = measured_draws(array), array.chunks[0]
    values: list[NDArray[Any]] = []
    for first in range(0, len(measured), g):  # a chunk that chains share is read once
        draws = measured[first : first + g]
        rows = _rows(array, range(first, first + len(draws)), max(draws), columns)
        values += [rows[i, :n] for i, n in enumerate(draws)]
    components = array.attributes.get("components")
    if components is not None and (not isinstance(components, list) or [len(components)] != list(array.shape[2:])):
        raise DamageError(f"{array.directory / 'zarr.json'}: damaged metadata, attribute 'components'")
    return Series(values, tuple(components[columns]) if components else None, array.attributes)


def _rows(array: Array, chains: range, draws: int, columns: slice) -> NDArray[Any]:
    """Read the first draws of neighbouring chains, chunk by chunk where only some columns are wanted."""
    if columns == ALL or len(array.shape) == 2:
        return array.read(chains, 0, draws)
    out = np.empty((len(chains), draws, len(range(array.shape[2])[columns])), array.dtype)
    for start in range(0, draws if out.shape[2] else 0, array.chunks[1]):
        stop = min(start + array.chunks[1], draws)
        out[:, start:stop] = array.read(chains, start, stop)[..., columns]
    return out
