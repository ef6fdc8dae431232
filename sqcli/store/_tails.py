"""Tail of an array: its last, partly filled chunk, which the writer keeps in memory to read nothing back."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from sqcli.store._arrays import Array, fill_value


@dataclass(frozen=True)
class Tail:
    """Chunk `column` of a chain group; rows at and beyond the committed length hold nothing of value."""

    array: Array
    column: int
    chunk: NDArray[Any]

    @classmethod
    def load(cls, array: Array, group: int, draws: int) -> "Tail":
        """Load the chunk that draw number `draws` goes to; read only where it holds committed draws."""
        column, filled = divmod(draws, array.chunks[1])
        chunk = array.empty_chunk()
        if filled:
            chunk[:, :filled] = array.read_chunk(group, column)[:, :filled]
        return cls(array, column, chunk)

    def appended(self, draws: int, values: NDArray[Any]) -> tuple["Tail", list[tuple[int, NDArray[Any]]]]:
        """Append `values` (g, n, …) to `draws` draws: the new tail, and the chunks to write, (column, chunk)."""
        k, (g, n) = self.array.chunks[1], values.shape[:2]
        tail, chunks, done = self, [], 0
        while done < n:
            column, filled = divmod(draws + done, k)
            if column != tail.column:
                tail = Tail(self.array, column, self.array.empty_chunk())
            take = min(n - done, k - filled)
            # rows beyond the committed length may hold a commit that failed: the owner alone sees them
            tail.chunk[:g, filled : filled + take] = values[:, done : done + take]
            tail.chunk[:, filled + take :] = fill_value(self.array.dtype)
            chunks.append((column, tail.chunk))
            done += take
        return tail, chunks
