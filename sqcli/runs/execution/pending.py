"""Draws of a chain group that wait for a commit, which is due after some seconds or some megabytes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.mcmc import Trace
from sqcli.store import Writer

INTERVAL = 2.0  # seconds after which waiting draws are committed
LARGEST = 16 * 2**20  # most bytes of waiting draws


@dataclass
class Pending:
    """Draws of all chains of the group that `writer` owns, in pieces, each a trace a chain."""

    writer: Writer
    pieces: list[Sequence[Trace]] = field(default_factory=list)
    committed_at: float = field(default_factory=time.monotonic)

    def __len__(self) -> int:
        """Count the waiting draws of each chain."""
        return sum(len(piece[0].fields) for piece in self.pieces)

    def add(self, traces: Sequence[Trace]) -> None:
        """Take up the next draws of every chain."""
        self.pieces.append(traces)

    @property
    def overdue(self) -> bool:
        """Tell whether the last commit is `INTERVAL` seconds ago."""
        return time.monotonic() - self.committed_at >= INTERVAL

    @property
    def large(self) -> bool:
        """Tell whether the waiting draws take `LARGEST` bytes."""
        return sum(trace.fields.nbytes for piece in self.pieces for trace in piece) >= LARGEST

    def commit(self, states: NDArray[Any] | None, saved: Sequence[bytes], warmup: int) -> None:
        """Write all waiting draws, and the state to go on from.

        Args:
            states: field of each chain, (chains, *site), or None where it is the last draw.
            saved: state of each chain beside its field.
            warmup: number of updates or proposals of the warm-up that are done.
        """
        layout = self.writer.layout
        columns = [[piece[c] for piece in self.pieces] for c in range(len(self.writer.chains))]
        empty = np.empty((0, *layout.site), layout.dtype)
        fields = np.stack([np.concatenate([empty, *(trace.fields for trace in column)]) for column in columns])
        stats = {name: _column(columns, name).astype(dtype) for name, dtype in layout.stats.items()}
        self.writer.commit(fields, stats, fields[:, -1] if states is None else states, list(saved), warmup)
        self.pieces, self.committed_at = [], time.monotonic()


def _column(columns: Sequence[Sequence[Trace]], name: str) -> NDArray[np.float64]:
    """Join a statistic of all waiting draws, (chains, n)."""
    return np.stack([np.concatenate([np.empty(0), *(trace.stats[name] for trace in column)]) for column in columns])
