"""Ensembles as training data: which draws of which chains, cut into blocks, read and verified when they are wanted.

Only draws that every chain has are used, so that chains × draws is a rectangle. What is left out for validation are
whole chains, the last ones, where there are enough; otherwise the last draws of every chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sqcli import store
from sqcli.analysis.ensemble import open_for_measuring
from sqcli.diffusion.models.design import Choice
from sqcli.errors import DamageError, SqcliError, UsageError
from sqcli.exactness import status_of
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

BLOCK_BYTES = 2**23  # size of a block, about


@dataclass(frozen=True)
class Origin:
    """Training ensemble, of which the draws start … stop − 1 of all chains are used."""

    path: Path
    ensemble: store.Ensemble
    theory: Choice
    lattice: Lattice
    start: int
    stop: int

    @classmethod
    def open(cls, path: Path, skip: int, most: int | None) -> "Origin":
        """Open an ensemble to train on the draws that it has now, `most` of each chain after the first `skip`.

        Raises:
            SqcliError: no readable ensemble, too few draws, or draws that carry weights.
            DamageError: fields that do not fit the lattice.
        """
        opened = open_for_measuring(path)
        ensemble, lattice, attrs = opened.ensemble, opened.lattice, opened.ensemble.attrs
        theory = Choice.build("theory", opened.theory.name, opened.theory.parameters)
        manifold = theory.value.manifold
        if ensemble.layout.dtype not in (manifold.stored("float64"), manifold.stored("float32")):
            raise DamageError(f"{path}: its fields are {ensemble.layout.dtype}, which {manifold.name} is not")
        if ensemble.layout.site != manifold.site(lattice):
            raise DamageError(f"{path}: its fields have the shape {ensemble.layout.site}, its lattice is {lattice}")
        if status_of(attrs) == "weighted":
            raise SqcliError(f"{path}: its draws carry weights; train on one made with --accept independence")
        there = ensemble.common_draws()
        stop = there if most is None else min(there, skip + most)
        if stop - skip < 1 or ensemble.chains * (stop - skip) < 2:
            used = "".join(f", {option} {n}" for option, n in (("--skip", skip), ("--max-draws", most)) if n)
            raise SqcliError(
                f"{path}: {there} draws of each of {ensemble.chains} chains are committed{used}; "
                "that leaves fewer than the 2 configurations that training needs"
            )
        return cls(path, ensemble, theory, lattice, skip, stop)

    @property
    def identity(self) -> str:
        """Identity of the ensemble."""
        return str(self.ensemble.attrs.get("identity"))

    def parent(self) -> dict[str, Any]:
        """Describe the ensemble as `model.yaml` states it."""
        return {
            "ensemble": str(self.path),
            "identity": self.identity,
            "theory": self.theory.name,
            "parameters": self.theory.parameters,
            "lattice": list(self.lattice.extents),
            "chains": self.ensemble.chains,
            "skip": self.start,
            "draws": self.stop - self.start,
        }

    def sources(self, fraction: float, couplings: tuple[float, ...]) -> tuple["DrawSource", "DrawSource | None"]:
        """Divide the draws into those to train on and those to validate with, about `fraction` (None for 0)."""
        chains, draws = range(self.ensemble.chains), range(self.start, self.stop)
        if not fraction:
            return DrawSource(self, couplings, chains, draws), None
        if len(chains) * fraction >= 1 or len(draws) == 1:
            left = min(max(1, round(len(chains) * fraction)), len(chains) - 1)
            parts = (chains[:-left], draws), (chains[-left:], draws)
        else:
            left = min(max(1, round(len(draws) * fraction)), len(draws) - 1)
            parts = (chains, draws[:-left]), (chains, draws[-left:])
        return DrawSource(self, couplings, *parts[0]), DrawSource(self, couplings, *parts[1])


class DrawSource:
    """Rectangle of chains and draws, cut along chunks into blocks of about `BLOCK_BYTES`."""

    lattice: Lattice
    site: tuple[int, ...]
    dtype: str
    couplings: tuple[float, ...]
    sizes: Sequence[int]

    def __init__(self, origin: Origin, couplings: tuple[float, ...], chains: range, draws: range) -> None:
        self.lattice, self.couplings, self._ensemble = origin.lattice, couplings, origin.ensemble
        layout = origin.ensemble.layout
        self.site, self.dtype = layout.site, origin.theory.value.manifold.stored("float64")
        group, chunk = origin.ensemble.arrays[f"configurations/{layout.field}"].chunks[:2]
        long = _span(chunk, BLOCK_BYTES // (layout.draw_bytes * group), draws)
        wide = _span(group, BLOCK_BYTES // (layout.draw_bytes * min(long, len(draws))), chains)
        self.blocks = [store.Block(c, d.start, d.stop) for c in _cut(chains, wide) for d in _cut(draws, long)]
        self.sizes = [len(block.chains) * (block.stop - block.start) for block in self.blocks]

    def rows(self, block: store.Block) -> store.BlockDraws:
        """Read the fields of one of `blocks`, with their chains and draws."""
        return self._ensemble.read_block(block)

    def read(self, block: int) -> NDArray[Any]:
        """Read the fields of block number `block`, (n, *site)."""
        return self.rows(self.blocks[block]).fields


def _span(unit: int, wanted: int, whole: range) -> int:
    """Choose a length: a multiple of `unit`, about `wanted` at most, not much longer than `whole`."""
    return min(max(1, wanted // unit), -(-len(whole) // unit)) * unit


def _cut(whole: range, size: int) -> list[range]:
    """Cut a range into pieces that end at multiples of `size`."""
    edges = [whole.start, *range((whole.start // size + 1) * size, whole.stop, size), whole.stop]
    return [range(a, b) for a, b in pairwise(edges)]


def couplings_that_differ(theories: list[Theory], parameters: list[dict[str, Any]]) -> tuple[str, ...]:
    """Name the numeric parameters in which the ensembles differ.

    Raises:
        UsageError: different theories, or a parameter that is no real number differs.
    """
    if len({type(theory) for theory in theories}) > 1:
        raise UsageError("the ensembles are of different theories; a model is of one")
    names = [name for name in parameters[0] if any(p[name] != parameters[0][name] for p in parameters)]
    for name in names:
        if not all(isinstance(p[name], (int, float)) for p in parameters):
            raise UsageError(f"the ensembles differ in {name}, which is no real number")
    return tuple(names)
