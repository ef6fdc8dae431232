"""Joining of files into chains: each file's array and axes, all of one type and one lattice, and what follows what."""

from collections.abc import Sequence
from pathlib import Path

from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.runs.importing.axes import read_axes
from sqcli.runs.importing.configurations import Configurations, precision
from sqcli.runs.importing.files import LOG_WEIGHT, OpenFiles, Part, find_source
from sqcli.runs.importing.numbering import streams_of
from sqcli.runs.importing.request import ImportRequest
from sqcli.theories import Theory


def join(request: ImportRequest, files: OpenFiles, theory: Theory) -> Configurations:
    """Join the files of a request into chains of configurations of a theory.

    Raises:
        SqcliError: a file that cannot be read, or does not fit the theory, the lattice or the other files.
        UsageError: what the request leaves out, and the files leave open.
    """
    lattice = Lattice(request.lattice) if request.lattice else None
    if lattice is not None:
        theory.check(lattice)
    parts: list[Part] = []
    for path in request.files:
        parts.append(_part(path, request, files, theory, parts[0].reading.lattice if parts else lattice))
        _require_alike(parts[0], parts[-1])
    weighted = request.exactness == "weighted"
    for part in parts:
        _require_weights(files, part, weighted, request.exactness)
    chains = _chains(parts, request.join)
    site = theory.manifold.site(parts[0].reading.lattice)
    return Configurations(files, chains, site, theory.manifold, weighted)


def _part(path: Path, request: ImportRequest, files: OpenFiles, theory: Theory, lattice: Lattice | None) -> Part:
    source = find_source(path, request.dataset, theory.manifold.field)
    numbers = files.numbers(source)
    precision(source, numbers.dtype, theory.manifold)
    shape = tuple(map(int, numbers.shape))
    reading = read_axes(path, shape, theory, lattice, single=source.loaded.single)
    return Part(source, numbers.dtype.newbyteorder("=").name, reading, *reading.chains_and_draws(shape))


def _require_alike(first: Part, part: Part) -> None:
    """Raise SqcliError where a file has another type than the first."""
    if part.dtype != first.dtype:
        raise SqcliError(
            f"{part.source.path}: holds {part.dtype}, but {first.source.path} holds {first.dtype}; convert one of them"
        )


def _require_chains(first: Part, part: Part) -> None:
    """Raise SqcliError where a file has other chains than the one whose draws it goes on with."""
    if part.chains != first.chains:
        raise SqcliError(
            f"{part.source.path}: {part.chains} chains cannot go on with the {first.chains} of {first.source.path}; "
            "--join chains makes them further chains"
        )


def _require_weights(files: OpenFiles, part: Part, weighted: bool, stated: str | None) -> None:
    """Raise where weights are there but nobody asked for them, or the other way round."""
    path, weights = part.source.path, part.source.weights
    if weights is not None and stated is None:
        raise UsageError(
            f"{path}: holds {LOG_WEIGHT}, weights of the draws; --exactness weighted takes them along, another one not"
        )
    if not weighted:
        return
    if weights is None:
        raise SqcliError(f"{path}: weighted draws need their weights, an array {LOG_WEIGHT} beside the configurations")
    source = part.source.beside
    numbers, leading = files.numbers(source), part.reading.leading
    if tuple(numbers.shape) != files.numbers(part.source).shape[:leading] or numbers.dtype.kind != "f":
        raise SqcliError(f"{path}: {LOG_WEIGHT} must hold one real number for each draw")


def _chains(parts: Sequence[Part], how: str) -> list[list[tuple[Part, int]]]:
    """Say which chain of which part makes a chain, or follows in it."""
    if how == "chains":
        return [[(part, chain)] for part in parts for chain in range(part.chains)]
    streams = [[parts[index] for index in group] for group in streams_of([part.source.path for part in parts], how)]
    for stream in streams:
        for part in stream:
            _require_chains(stream[0], part)
    return [[(part, chain) for part in stream] for stream in streams for chain in range(stream[0].chains)]
