"""A series of numbers per draw: rows that are known already (`old`), and pieces computed now.

A small series is held in memory. Of a large one (the power spectrum of a million draws) what is kept on disk is read
from there again, some columns at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError

Array = NDArray[Any]
ALL = slice(None)
Read = Callable[[slice], Sequence[Array]]


@dataclass
class DrawSeries:
    """Rows (n_i,) or (n_i, m) per chain.

    Attributes:
        old: hands out columns of the first `base` rows of each chain, or more.
        base: how many of them count.
        fresh: pieces that follow.
        skip, stride: `chains` hands out every `stride`-th draw after the first `skip`.
        empty: no rows, of the series' type and width.
    """

    old: Read
    base: list[int]
    fresh: list[list[Array]]
    skip: int = 0
    stride: int = 1
    empty: Array = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, values: Sequence[Array]) -> "DrawSeries":
        """Wrap a series that is all in memory."""
        columns = values[0][:0]
        return cls(
            lambda wanted: [pick(v, wanted) for v in values],
            list(map(len, values)),
            [[] for _ in values],
            empty=columns,
        )

    @property
    def done(self) -> list[int]:
        """Number of rows of each chain."""
        return [n + sum(map(len, pieces)) for n, pieces in zip(self.base, self.fresh, strict=True)]

    def shortened(self, skip: int, stride: int) -> "DrawSeries":
        """Leave out the draws that are not to be used."""
        return replace(self, skip=skip, stride=stride)

    def add(self, chain: int, rows: Array) -> None:
        """Append rows to a chain."""
        self.empty = rows[:0]
        self.fresh[chain].append(rows)

    def since(self, starts: Sequence[int]) -> list[Array]:
        """Fresh rows from row `starts` of each chain on."""
        joined = [np.concatenate([self.empty, *pieces]) for pieces in self.fresh]
        return [rows[start - base :] for rows, start, base in zip(joined, starts, self.base, strict=True)]

    def forget(self, old: Read) -> None:
        """Hand out what was fresh from `old` in future."""
        self.base, self.fresh, self.old = self.done, [[] for _ in self.fresh], old

    def chains(self, columns: slice = ALL) -> list[Array]:
        """Rows of each chain, all columns or some."""
        old = [
            rows[:n] if n else pick(self.empty, columns) for rows, n in zip(self.old(columns), self.base, strict=True)
        ]
        if [len(rows) for rows in old] != self.base:
            raise SqcliError("another measurement replaced the kept series meanwhile; measure again")
        new = [[pick(piece, columns) for piece in pieces] for pieces in self.fresh]
        whole = [np.concatenate([rows, *pieces]) if pieces else rows for rows, pieces in zip(old, new, strict=True)]
        return [rows[self.skip :: self.stride] for rows in whole]


def pick(rows: Array, columns: slice) -> Array:
    """Columns of (n, m); the rows themselves of (n,)."""
    return rows[:, columns] if rows.ndim > 1 else rows
