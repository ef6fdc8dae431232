"""Configurations of other codes as chains: numbers of a known type, finite, on the manifold of the theory."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError
from sqcli.lattice.manifold import Manifold
from sqcli.runs.importing.files import LOG_WEIGHT, OpenFiles, Part, Source

PRECISIONS = ("float64", "float32")
OFF = 1e-5  # distance from a group that single precision explains
MOVED = 1e-3  # beyond it a number is another representative of the same point, such as an angle a turn away


@dataclass
class Configurations:
    """Chains of configurations in files, as many draws each as their parts hold together.

    Attributes:
        site: shape of a configuration.
        manifold: where the fields live.
        weighted: whether a log weight of each draw is read beside it.
        reduced: angles that were brought into (−π, π] so far.
    """

    files: OpenFiles
    chains: Sequence[Sequence[tuple[Part, int]]]
    site: tuple[int, ...]
    manifold: Manifold
    weighted: bool
    reduced: int = field(default=0, init=False)

    @property
    def lengths(self) -> list[int]:
        """Draws of each chain."""
        return [sum(part.draws for part, _ in spans) for spans in self.chains]

    @property
    def parts(self) -> list[Part]:
        """Files, in their order."""
        return list(dict.fromkeys(part for spans in self.chains for part, _ in spans))

    @property
    def dtype(self) -> str:
        """Type in which kernels compute with the numbers, which are of one type in all files."""
        first = self.chains[0][0][0]
        return precision(first.source, np.dtype(first.dtype), self.manifold)

    def read(self, chain: int, start: int, stop: int) -> NDArray[Any]:
        """Read draws of a chain, (n, *site), checked."""
        return np.concatenate([self._checked(*piece) for piece in self._pieces(chain, start, stop)])

    def log_weights(self, chain: int, start: int, stop: int) -> NDArray[np.float64]:
        """Read log weights of draws of a chain, (n,); SqcliError for one that is no number, or infinite."""
        found = []
        for part, inner, first, last in self._pieces(chain, start, stop):
            values = self.files.read(part, inner, first, last, weights=True).reshape(-1).astype(np.float64)
            if np.isnan(values).any() or (values == math.inf).any():
                raise SqcliError(f"{part.source.path}: {LOG_WEIGHT} holds a value that is no weight")
            found.append(values)
        return np.concatenate(found)

    def _pieces(self, chain: int, start: int, stop: int) -> Iterator[tuple[Part, int, int, int]]:
        """Yield the parts behind some draws of a chain, with the part's own chain and range of draws."""
        edges = np.cumsum([0, *(part.draws for part, _ in self.chains[chain])]).tolist()
        first = int(np.searchsorted(edges, start, side="right")) - 1
        for (part, inner), (begin, end) in zip(self.chains[chain][first:], pairwise(edges[first:]), strict=True):
            if begin >= stop:
                return
            yield part, inner, max(start, begin) - begin, min(stop, end) - begin

    def _checked(self, part: Part, chain: int, start: int, stop: int) -> NDArray[Any]:
        values = self.files.read(part, chain, start, stop)
        dtype = self.manifold.stored(precision(part.source, values.dtype, self.manifold))
        fields = values.astype(dtype, copy=False).reshape(stop - start, *self.site)
        finite = np.isfinite(fields).reshape(len(fields), -1).all(axis=1)
        if not finite.all():
            draw = start + int(np.flatnonzero(~finite)[0])
            where = f"draw {draw} of chain {chain}" if part.reading.leading == 2 else f"draw {draw}"
            raise SqcliError(f"{part.source.path}: {where} holds a value that is not a finite number")
        fields, reduced = on_manifold(part.source, fields, self.manifold)
        self.reduced += reduced
        return fields


def precision(source: Source, dtype: "np.dtype[Any]", manifold: Manifold) -> str:
    """Name the type in which kernels compute for numbers of type `dtype`; SqcliError where these are not stored so."""
    name = dtype.newbyteorder("=").name
    stored = {manifold.stored(each): each for each in PRECISIONS}
    if name not in stored:
        advice = "convert them first" if dtype.kind in "iufb" else f"the theory's field lives in {manifold.name}"
        raise SqcliError(f"{source.path}: holds numbers of type {name}, not {' or '.join(stored)}; {advice}")
    return stored[name]


def on_manifold(source: Source, fields: NDArray[Any], manifold: Manifold) -> tuple[NDArray[Any], int]:
    """Bring angles into (−π, π], and count those that were outside; whatever else is on the manifold stays as it is.

    Raises:
        SqcliError: fields are off the manifold by more than rounding.
    """
    wide = fields.astype(np.result_type(fields.dtype, np.float64), copy=False)
    near = manifold.project(wide)
    if near is wide:
        return fields, 0
    off = manifold.distance(wide, near)
    if off > OFF:
        raise SqcliError(f"{source.path}: holds a link at a distance of {off:.2g} from {manifold.name}; not imported")
    outside = np.abs(near - wide) > MOVED
    return np.where(outside, near, wide).astype(fields.dtype), int(np.count_nonzero(outside))
