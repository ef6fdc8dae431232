"""Formats that configurations are read from, one file each; a format recognises its files by their content."""

from typing import Any

from numpy.typing import NDArray

from sqcli.runs.importing.formats import _ildg, _nersc
from sqcli.runs.importing.formats._base import Format, Numbers

__all__ = ["Format", "Numbers", "links_written"]


def links_written(form: str, links: NDArray[Any], name: str) -> bytes:
    """Write one configuration of 4D SU(3), (mu, x, y, z, t, row, column), as a file of `form`, "nersc" or "ildg".

    Args:
        form: name of the format.
        links: configuration, in single or double precision, which the file keeps.
        name: of the configuration, which the file states.
    """
    if form == "ildg":
        return _ildg.written(links, name)
    return _nersc.written(links, {"ENSEMBLE_LABEL": name})
