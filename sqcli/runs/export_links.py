"""Export of links of 4D SU(3) in lattice QCD's formats: a folder with one file a configuration.

The files are named `chain0_draw0000.nersc`, so that their order by name is that of the draws, chain after chain, and
each chain is a stream whose numbers have no gaps. Weights of draws stand beside them in `log_weight.csv`, as the
formats have no room for them. The folder is written aside and renamed.
"""

import csv
import io
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqcli import store
from sqcli.analysis.ensemble import LOG_WEIGHT, MeasuredEnsemble, open_for_measuring
from sqcli.errors import BusyError, SqcliError
from sqcli.files import replace_bytes, sync_directory
from sqcli.lattice.group_links import GroupLinks
from sqcli.runs.importing.formats import links_written

WEIGHTS = f"{LOG_WEIGHT}.csv"
OURS = re.compile(rf"(chain\d+_draw\d+\.(nersc|ildg)|{re.escape(WEIGHTS)})(\.partial)?")
LINKS = GroupLinks(3, special=True)


def require_links(path: Path, kind: str) -> MeasuredEnsemble:
    """Open an ensemble that the formats of lattice QCD can hold; SqcliError where it is no 4D SU(3)."""
    found = open_for_measuring(path)
    lattice, manifold = found.lattice, found.theory.loaded.manifold
    if lattice.dimension != 4 or manifold != LINKS:
        where = f"{found.field} of {found.theory.name} on {lattice}, in {manifold.name}"
        raise SqcliError(f"{path}: {kind} holds links of SU(3) in four dimensions (sun, n=3), not {where}; export npz")
    return found


def export_links(found: MeasuredEnsemble, target: Path, kind: str) -> int:
    """Write all committed configurations into a folder that takes the place of `target`; return how many these are.

    Raises:
        SqcliError: what is there is no folder of such files, and is left alone.
        BusyError: another process writes the same folder.
    """
    ensemble = found.ensemble
    names = _Names(ensemble, kind)
    with _folder(target) as folder:
        for block in ensemble.blocks():
            draws = ensemble.read_block(block)
            for links, chain, draw in zip(draws.fields, draws.chain, draws.draw, strict=True):
                name = names.of(int(chain), int(draw))
                folder.write(name, links_written(kind, links, name))
        if found.weighted:
            folder.write(WEIGHTS, _weights(ensemble, names))
    return int(ensemble.draws.sum())


class _Names:
    """Names of files, whose numbers have as many digits each as the largest needs."""

    def __init__(self, ensemble: store.Ensemble, kind: str) -> None:
        self._chain = len(str(ensemble.chains - 1))
        self._draw = max(4, len(str(int(ensemble.draws.max()) - 1)))
        self._kind = kind

    def of(self, chain: int, draw: int) -> str:
        """Name the file of a draw of a chain."""
        return f"chain{chain:0{self._chain}}_draw{draw:0{self._draw}}.{self._kind}"


class _Folder:
    """Folder that is being written, as long as no other process puts one of its own in its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._status = path.lstat()

    def ours(self) -> bool:
        """Tell whether the folder of that name is still the one that was made here."""
        return os.path.lexists(self.path) and os.path.samestat(self._status, self.path.lstat())

    def require_ours(self) -> None:
        """Raise BusyError where it is not."""
        if not self.ours():
            raise BusyError(f"{self.path}: another process writes it too")

    def write(self, name: str, content: bytes) -> None:
        """Write a file for good."""
        self.require_ours()
        replace_bytes(self.path / name, content)


@contextmanager
def _folder(target: Path) -> Iterator[_Folder]:
    """Hand out a folder to fill that takes the name `target` once the block ends, and vanishes where it fails."""
    aside, old = (target.with_name(f"{target.name}.{word}") for word in ("partial", "replaced"))
    _require_replaceable(target)
    for leftover in (aside, old):  # of a predecessor that was killed
        _remove(leftover)
    folder = _Folder(aside)
    try:
        yield folder
        folder.require_ours()
        if target.exists():
            target.rename(old)
        aside.rename(target)
    except BaseException:
        if folder.ours():
            shutil.rmtree(aside, ignore_errors=True)
        if os.path.lexists(old) and not os.path.lexists(target):
            old.rename(target)
        raise
    sync_directory(target.parent)
    _remove(old)


def _require_replaceable(folder: Path) -> None:
    """Raise SqcliError where something is in the place of a folder that is not made of exported files alone."""
    if not os.path.lexists(folder):
        return
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise SqcliError(f"{folder}: exists and is no folder; choose another name")
    other = min((entry.name for entry in folder.iterdir() if not OURS.fullmatch(entry.name)), default=None)
    if other is not None:
        raise SqcliError(f"{folder}: holds {other}, which is no exported configuration; choose another name")


def _remove(folder: Path) -> None:
    """Remove a folder of exported files, if it is there."""
    _require_replaceable(folder)
    if os.path.lexists(folder):
        shutil.rmtree(folder)


def _weights(ensemble: store.Ensemble, names: _Names) -> bytes:
    """Write the log weight of each file's draw as csv, in full precision."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", LOG_WEIGHT])
    for chain, weights in enumerate(ensemble.stat(LOG_WEIGHT)):
        writer.writerows([names.of(chain, draw), repr(float(weight))] for draw, weight in enumerate(weights))
    return text.getvalue().encode()
