"""Chain group of an algorithm, from its checkpoint to its last draw, in commits.

How a run is cut into pieces changes no digit. A field that is no longer finite ends the run; what came before is
committed.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.pending import Pending
from sqcli.runs.generation.chain import Chain, draw, first_chain, sampling, warm_up
from sqcli.runs.generation.spec import RunSpec
from sqcli.store import Layout, Writer

PIECE = 0.2  # seconds between two looks at the stop event
LEAST = 32  # updates of a piece where chains share a chunk: a call costs far more than an update of such small fields
COPIES = 7  # fields that a chain at work holds, at least
CHAIN_BYTES = 2000  # memory of a chain beside its field
RECORD_BYTES = 200  # memory of the record of a chain, at work or not
HELD = 8 * 2**20  # bytes of configurations that a piece of the warm-up holds


def bytes_held(spec: RunSpec, layout: Layout, workers: int) -> int:
    """Estimate the memory of a run from below, in bytes.

    Counted are fields of the chains at work and their copies, tables of the lattice, and records of all chains.
    Langevin holds about seven copies of a field, HMC and cluster updates ten, local and accelerated ones fifteen.
    """
    lattice, particles = spec.system.lattice, int(getattr(spec.algorithm_instance, "particles", 0))
    fields = workers * (COPIES + 2 * particles) * layout.draw_bytes
    waiting = workers * layout.chain_group * (layout.draw_bytes + CHAIN_BYTES)
    return fields + waiting + 8 * lattice.dimension * lattice.volume + layout.chains * RECORD_BYTES


@dataclass
class GroupRun:
    """Run of one chain group; `pace` is the measured time of one update of all its chains, in seconds."""

    spec: RunSpec
    writer: Writer
    number: int
    target: int
    board: Board
    stop: threading.Event
    chains: list[Chain] = field(default_factory=list)
    pace: float = 0.0

    def __post_init__(self) -> None:
        self.pending = Pending(self.writer)

    def __call__(self) -> None:
        """Run until the target or the stop."""
        self._restore()
        while self._warmup < self.spec.warmup and not self.stop.is_set():
            self._warm_piece()
        while self._ahead < self.target and not self.stop.is_set():
            self._draw_piece()
        self._settle()

    def _settle(self) -> None:
        """Commit what is not committed yet."""
        if self.pending or self.writer.warmup != self._warmup:
            self._commit()

    def _restore(self) -> None:
        """Restore the chains from the checkpoint, or start them."""
        saved = self.writer.checkpoint
        if saved is None:
            self.chains = [first_chain(self.spec, number) for number in self.writer.chains]
        else:
            streams = [self.spec.streams.chain(number) for number in self.writer.chains]
            self.chains = [Chain.restored(*facts) for facts in zip(streams, *saved, strict=True)]

    @property
    def _warmup(self) -> int:
        return min(self.chains[0].state.update, self.spec.warmup)

    @property
    def _ahead(self) -> int:
        """Draws of each chain, committed or not."""
        return self.writer.draws + len(self.pending)

    def _updates_in_a_piece(self) -> int:
        least = LEAST if len(self.chains) > 1 else 1
        return max(least, int(PIECE / self.pace)) if self.pace else least

    def _timed(self, updates: int, began: float) -> None:
        self.pace = (time.monotonic() - began) / updates
        draws = self.writer.draws
        self.board.advanced(self.number, len(self.chains), self._warmup, draws, updates * len(self.chains))

    def _warm_piece(self) -> None:
        """Advance all chains by a piece of the warm-up."""
        grain, began = sampling(self.spec), time.monotonic()
        room = HELD // (self.spec.system.size * 8)
        pieces = min(max(1, self._updates_in_a_piece() // grain), max(1, room))
        before = self.chains[0].state.update
        moved = [warm_up(self.spec, chain, pieces * grain) for chain in self.chains]
        self._require_finite([chain.state.field[None] for chain in moved], moved[0].state.update, 0)
        self.chains = moved
        self._timed(self.chains[0].state.update - before, began)
        if self.pending.overdue:
            self._commit()

    def _draw_piece(self) -> None:
        """Make a piece of the draws of all chains."""
        chunk, began = self.writer.layout.chunk_draws, time.monotonic()
        wanted = self._updates_in_a_piece() // self.spec.every
        draws = min(max(1, wanted), chunk - self._ahead % chunk, self.target - self._ahead)
        moved = [draw(self.spec, chain, draws) for chain in self.chains]
        update = self.chains[0].state.update + self.spec.every
        self._require_finite([trace.fields for _, trace in moved], update, self.spec.every)
        self.chains, traces = [chain for chain, _ in moved], [trace for _, trace in moved]
        self.pending.add(traces)
        self.board.saw(traces)
        self._timed(draws * self.spec.every, began)
        if self.pending.overdue or (self._ahead % chunk == 0 and self.pending.large):
            self._commit()

    def _require_finite(self, fields: list[NDArray[Any]], update: int, every: int) -> None:
        """Check the configurations of each chain, (n, *site), after `update` updates and every `every` more.

        Raises:
            SqcliError: one of them is not finite.
        """
        for number, rows in zip(self.writer.chains, fields, strict=True):
            with np.errstate(all="ignore"):
                total = rows.sum(dtype=np.result_type(rows.dtype, np.float64))  # costs less than a look at every number
            if not np.isfinite(total):
                good = np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
                if not good.all():
                    self._settle()
                    where = update + every * int(np.argmin(good))
                    raise SqcliError(
                        f"{self.writer.path}: the field of chain {number} is no longer finite by update {where}; "
                        "what came before is committed, but the run cannot go on: start anew with smaller steps"
                    )

    def _commit(self) -> None:
        states = np.stack([chain.state.field for chain in self.chains])
        self.pending.commit(states, [chain.saved() for chain in self.chains], self._warmup)
        self.board.advanced(self.number, len(self.chains), self._warmup, self.writer.draws, 0)
