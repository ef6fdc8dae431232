"""Axes of an array of configurations: which are chain and draw, and which belong to the lattice.

An array is (chain, draw, *site), (draw, *site) or one configuration, *site; in zero dimensions the axis of the one
site may be missing. Where the lattice is not given and the theory exists on several that fit, equal last extents are
taken for those of a cubic lattice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

LEADING = (2, 1, 0)  # axes before those of a configuration
WORDS = {2: "(chain, draw)", 1: "draws", 0: "one configuration"}


@dataclass(frozen=True)
class AxesReading:
    """Reading of a shape: `leading` axes come before those of a configuration on `lattice`, perhaps a guess."""

    leading: int
    lattice: Lattice
    guessed: bool = False

    def chains_and_draws(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return the numbers of chains and of draws of an array."""
        return (shape[0], shape[1]) if self.leading == 2 else (1, shape[0] if self.leading else 1)

    def __str__(self) -> str:
        return f"{WORDS[self.leading]} on {self.lattice}"


def read_axes(
    path: Path, shape: tuple[int, ...], theory: Theory, lattice: Lattice | None, *, single: bool = False
) -> AxesReading:
    """Find the one reading of a shape that the theory, and the lattice if it is given, allow.

    Args:
        path: file, for errors.
        shape: lengths of the axes.
        theory: what the configurations are of.
        lattice: where they live, if that is known.
        single: whether the array is known to be one configuration.

    Raises:
        SqcliError: there is none, or no draw in it.
        UsageError: there are several, and the lattice would tell which.
    """
    found = list(_on(shape, theory, lattice) if lattice else _anywhere(shape, theory))
    found = [reading for reading in found if not (single and reading.leading)]
    told = "x".join(map(str, shape)) or "()"
    if not found:
        wanted = "x".join(map(str, theory.manifold.site(lattice))) if lattice else "a configuration of the theory"
        raise SqcliError(f"{path}: its shape {told} is not (chain, draw, site), (draw, site) or site of {wanted}")
    if len(found) > 1 and lattice is None:
        likely = _likely(found)
        if likely is None:
            readings = " or ".join(map(str, found))
            raise UsageError(f"{path}: its shape {told} may be {readings}; say which with --lattice")
        found = [likely]
    if 0 in shape:
        raise SqcliError(f"{path}: its shape is {told}; there is no draw in it")
    return found[0]


def _likely(found: list[AxesReading]) -> AxesReading | None:
    """Choose the reading with the largest cubic lattice; None where there is none, or it leaves no axis for draws.

    A square array is one configuration all the same: hardly anybody keeps as many draws of a chain as it has sites.
    """
    cubic = [each for each in found if len(set(each.lattice.extents)) == 1 and each.lattice.dimension > 1]
    best = max(cubic, key=lambda each: each.lattice.dimension, default=None)
    if best is None or (best.leading == 0 and best.lattice.dimension > 2):
        return None
    return replace(best, guessed=True)


def _on(shape: tuple[int, ...], theory: Theory, lattice: Lattice) -> Iterator[AxesReading]:
    """Yield the readings of a shape on a lattice; one whose axes are all there comes first."""
    site = theory.manifold.site(lattice)
    for bare in (site, ()) if site == (1,) else (site,):
        for leading in LEADING:
            if len(shape) == leading + len(bare) and shape[leading:] == bare and (bare or leading):
                yield AxesReading(leading, lattice)


def _anywhere(shape: tuple[int, ...], theory: Theory) -> Iterator[AxesReading]:
    """Yield the readings of a shape on any lattice that the theory exists on."""
    extents = {shape[first:last] for first in range(len(shape)) for last in range(first + 1, len(shape) + 1)}
    seen = set()
    for lattice in _lattices(sorted(extents | {(1,)}), theory):
        for reading in _on(shape, theory, lattice):
            seen.add(reading)
            break
    yield from sorted(seen, key=lambda reading: -reading.leading)


def _lattices(extents: list[tuple[int, ...]], theory: Theory) -> Iterator[Lattice]:
    for each in extents:
        try:
            lattice = Lattice(each)
            theory.check(lattice)
        except UsageError:
            continue
        yield lattice
