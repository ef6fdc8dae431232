"""Import configurations of other codes into an ensemble, which appears as a whole or not at all.

The files are read twice, in blocks: once to check every number and to hash them, as the ensemble's name rests on its
data, and once to write them.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.runs.execution.provenance import creation
from sqcli.runs.execution.spec import theory_of
from sqcli.runs.importing import numbering
from sqcli.runs.importing.configurations import Configurations
from sqcli.runs.importing.files import LOG_WEIGHT, OpenFiles
from sqcli.runs.importing.joining import join
from sqcli.runs.importing.request import ImportRequest
from sqcli.runs.importing.spec import ImportSpec, exactness_of, origin

__all__ = ["ImportRequest", "import_ensemble"]

BLOCK_BYTES = 16 * 2**20
Block = tuple[int, NDArray[Any], dict[str, NDArray[np.float64]]]


def import_ensemble(request: ImportRequest) -> list[str]:
    """Import the configurations that `request` names.

    Returns:
        Lines that say what was taken for what, and what is odd about it.

    Raises:
        UsageError: options that are malformed or do not say enough.
        SqcliError: a file that cannot be read or does not fit; something is there and `force` is not given.
    """
    name, theory = theory_of(request.theory, request.parameters)
    _require_apart(request)
    with OpenFiles(_standing(request.path)) as files:
        found = join(request, files, theory)
        spec = ImportSpec(
            theory=name,
            theory_instance=theory,
            lattice=found.parts[0].reading.lattice.extents,
            chains=len(found.chains),
            dtype=found.dtype,
            data_sha256="",
            lengths=tuple(found.lengths),
            weighted=found.weighted,
        )
        spec.require_theory()
        digest = _digest(found, spec)
        spec = replace(spec, data_sha256=digest, reduced=found.reduced)
        _create(request, spec, found)
        return list(_told(request, spec, guessed=found.parts[0].reading.guessed))


def _require_apart(request: ImportRequest) -> None:
    """Raise SqcliError where the ensemble cannot be made, or would erase the files that it is made from."""
    try:
        store.require_vacant(request.path, force=request.force)
    except store.ExistsError:
        raise store.ExistsError(
            f"{request.path}: an ensemble is there already; choose another name, or --force to erase it"
        ) from None
    target = request.path.resolve()
    for file in request.files:
        if target in (file.resolve(), *file.resolve().parents):
            raise SqcliError(f"{file}: lies in {request.path}, which is to be written; choose another place")


def _standing(path: Path) -> Path:
    """Return the nearest directory above `path` that exists."""
    return next(parent for parent in path.absolute().parents if parent.is_dir())


def _blocks(found: Configurations, spec: ImportSpec) -> Iterator[Block]:
    """Yield chain group, fields (g, n, *site) and numbers per draw (g, n) of all draws, chain after chain."""
    layout = spec.layout(max(spec.lengths))
    size, chunk = layout.chain_group, layout.chunk_draws
    long = chunk * max(1, BLOCK_BYTES // (chunk * layout.draw_bytes))
    for group in range(layout.groups):
        chains = range(group * size, min((group + 1) * size, layout.chains))
        length = spec.lengths[chains.start]
        step = long if size == 1 else length
        for start in range(0, length, step):
            stop = min(start + step, length)
            fields = np.stack([found.read(chain, start, stop) for chain in chains])
            weights = [found.log_weights(chain, start, stop) for chain in chains] if found.weighted else None
            yield group, fields, {} if weights is None else {LOG_WEIGHT: np.stack(weights)}


class _Digest:
    """SHA-256 of fields as they are stored, and where there are weights of these as well."""

    def __init__(self) -> None:
        self._fields, self._weights = hashlib.sha256(), hashlib.sha256()
        self._weighted = False

    def add(self, block: Block) -> None:
        _, fields, stats = block
        self._fields.update(np.ascontiguousarray(fields, fields.dtype.newbyteorder("<")).data)
        for values in stats.values():
            self._weighted = True
            self._weights.update(np.ascontiguousarray(values, "<f8").data)

    def text(self) -> str:
        if not self._weighted:
            return self._fields.hexdigest()
        return hashlib.sha256(self._fields.digest() + self._weights.digest()).hexdigest()


def _digest(found: Configurations, spec: ImportSpec) -> str:
    """Read all numbers once, which checks them, and hash them."""
    digest = _Digest()
    for block in _blocks(found, spec):
        digest.add(block)
    return digest.text()


def _create(request: ImportRequest, spec: ImportSpec, found: Configurations) -> None:
    """Write the ensemble aside, and let it appear once all draws are in it."""
    attributes = spec.attributes() | {
        "identity": spec.identity,
        "exactness": vars(exactness_of(request.exactness)),
        "imported": origin(found.parts, request.join),
        **creation(request.command_line, "cpu"),
    }

    def fill(aside: Path) -> None:
        digest = _Digest()
        for group, blocks in groupby(_blocks(found, spec), lambda block: block[0]):
            with store.Writer(aside, group) as writer:
                for block in blocks:
                    _, fields, stats = block
                    digest.add(block)
                    writer.commit(fields, stats, fields[:, -1], [b""] * len(fields), 0)
                    os.utime(aside)  # a sign of life, for those who remove what killed jobs left
        if digest.text() != spec.data_sha256:
            raise SqcliError(f"{request.files[0]}: the files changed while they were read; nothing was imported")

    store.create(request.path, spec.layout(max(spec.lengths)), attributes, force=request.force, fill=fill)


def _told(request: ImportRequest, spec: ImportSpec, *, guessed: bool) -> Iterator[str]:
    """Say what was imported, and what about it may surprise."""
    shortest, longest = min(spec.lengths), max(spec.lengths)
    count = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
    layout = spec.layout(longest)
    axes = ", ".join(("chain", "draw", *layout.site_dims))
    chains, draws = f"{spec.chains} chain{'s' * (spec.chains > 1)}", f"{count} draw{'s' * (longest > 1)}"
    what = f"{layout.field} ({axes}), {layout.dtype}"
    yield f"imported {chains} of {draws} on {spec.system.lattice} into {request.path}: {what}"
    if guessed:
        yield f"the lattice {spec.system.lattice} was taken from the shape; --lattice says if it is another one"
    if spec.reduced:
        yield f"{spec.reduced} angles were brought into (-pi, pi]"
    for group in numbering.streams_of(request.files, request.join):
        odd = numbering.warning(numbering.numbers_of([request.files[index] for index in group]))
        if odd is not None:
            yield f"warning: {odd}"
