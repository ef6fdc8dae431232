"""Chain group of a sampler: tiles of draws, computed in any order and by any worker, taken up and committed in order.

A tile that is cut by the target is computed whole again when the ensemble is extended.
"""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.diffusion.device import torch_threads
from sqcli.errors import Stopped
from sqcli.mcmc import Trace
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.pending import Pending
from sqcli.runs.execution.resume import chains_of
from sqcli.runs.sampling.independence import Row, Walk, decisions, step
from sqcli.runs.sampling.spec import NONE, SampleSpec
from sqcli.runs.sampling.tiles import Proposals, Tile
from sqcli.store import Ensemble, Writer

PATIENCE = 1.0  # seconds that a worker has to let go of the chains at the end
Stats = dict[str, NDArray[np.float64]]


@dataclass
class GroupSampling:
    """Sampling of one chain group; its methods may be called from several threads.

    Attributes:
        position: number of proposals of each chain that were taken up, those of the warm-up included.
        shelf: tiles that wait for earlier ones, by their number; a list has one tile of each chain.
        walks: chains of proposals, empty where draws are kept as they are.
    """

    spec: SampleSpec
    source: Proposals
    ensemble: Ensemble
    number: int
    target: int
    board: Board
    stop: threading.Event
    position: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stack: ExitStack = field(default_factory=ExitStack)
    pending: Pending | None = None
    closed: bool = False
    shelf: dict[int, list[Tile]] = field(default_factory=dict)
    walks: list[Walk] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Number of proposals of each chain at the end of the run, those of the warm-up included."""
        return self.spec.warmup + self.target

    def tiles(self, chains: range) -> range:
        """Return the numbers of the tiles that the ensemble's record lacks."""
        done = self.ensemble.warmup_done(chains.start) + self.ensemble.committed(chains.start)
        return range(done // self.source.size, -(-self.end // self.source.size))

    @torch_threads(1)  # sums must not depend on the machine
    def work(self, number: int) -> None:
        """Compute a tile and take up what is complete; a tile in which a stop is asked for is dropped."""
        chains = self._open()
        if chains is None or number < self.position // self.source.size:
            return
        try:
            tiles = [self.source.tile(chain, number) for chain in chains]
        except Stopped:
            return
        with self.lock:
            self.shelf[number] = tiles
            while not self.closed and (ready := self.shelf.pop(self.position // self.source.size, None)):
                self._take(ready)

    def work_all(self, numbers: range) -> None:
        """Compute one tile after the other, where a chain takes longer over a proposal than the sampler to make it."""
        for number in numbers:
            if self.stop.is_set():
                return
            self.work(number)

    def close(self) -> None:
        """Commit what was taken up, and let go of the chains.

        A worker that was left behind in an update without end keeps the lock: then the last commit stands.
        """
        if self.lock.acquire(timeout=PATIENCE):
            try:
                self._finish()
            finally:
                self.lock.release()

    def _finish(self) -> None:
        """Commit what was taken up, and close the group; the lock is held."""
        pending = self.pending
        if pending is not None and not self.closed and (pending or self._warm != pending.writer.warmup):
            self._commit(pending)
        self.closed = True
        self.shelf.clear()
        self.stack.close()

    def _open(self) -> range | None:
        """Own the chains of the group and return them; None once the group is closed."""
        with self.lock:
            if self.closed:
                return None
            if self.pending is None:
                self.pending = Pending(self.stack.enter_context(Writer(self.ensemble, self.number)))
                self._restore(self.pending.writer)
            return self.pending.writer.chains

    def _restore(self, writer: Writer) -> None:
        """Restore position and chains from the checkpoint, or start them."""
        saved = writer.checkpoint
        self.position = writer.warmup + writer.draws
        if self.spec.accept != NONE:
            fresh = [Walk.first(self.spec, chain) for chain in writer.chains]
            self.walks = fresh if saved is None else [Walk.restored(*facts) for facts in zip(*saved, strict=True)]

    @property
    def _warm(self) -> int:
        return min(self.position, self.spec.warmup)

    def _take(self, tiles: list[Tile]) -> None:
        """Take up the rest of a tile of every chain."""
        began, size = self.position, self.source.size
        rows = slice(began % size, min(size, self.end - began // size * size))
        taken = self._walked(tiles, rows) if self.walks else [_cut(tile, rows) for tile in tiles]
        count = len(taken[0].fields)
        self.position += count
        drawn = np.arange(began, began + count) >= self.spec.warmup
        assert self.pending is not None
        self._keep(self.pending, [trace.kept(drawn) for trace in taken], count)
        if self.position >= self.end or self.stop.is_set():
            self._finish()

    def _keep(self, pending: Pending, traces: list[Trace], proposals: int) -> None:
        """Let draws wait for a commit, or commit; `proposals` of each chain have been taken up."""
        if len(traces[0].fields):
            pending.add(traces)
            self.board.saw(traces)
        chains = len(traces)
        self.board.advanced(self.number, chains, self._warm, pending.writer.draws, proposals * chains)
        if (pending.large or pending.overdue) and (pending or self.walks):
            self._commit(pending)

    def _walked(self, tiles: list[Tile], rows: slice) -> list[Trace]:
        """Accept or reject the proposals `rows` of all chains, or the first of them where a stop is asked for."""
        uniforms = [self._uniforms(chain, rows) for chain in range(len(tiles))]
        seen: list[list[Any]] = [[] for _ in tiles]
        for i in range(rows.stop - rows.start):
            try:
                moved = [self._step(c, tile, uniforms[c][i]) for c, tile in enumerate(tiles)]
            except Stopped:
                break
            self.walks = [walk for walk, _ in moved]
            for own, (walk, said) in zip(seen, moved, strict=True):
                own.append((walk.field, said))
        return [self._trace(rows) for rows in seen]

    def _step(self, index: int, tile: Tile, uniform: float) -> tuple[Walk, Row]:
        return step(self.spec, self.source, self._chain(index), self.walks[index], tile, uniform)

    def _chain(self, index: int) -> int:
        """Return the number in the ensemble of the group's chain `index`."""
        return chains_of(self.ensemble, self.number)[index]

    def _uniforms(self, index: int, rows: slice) -> NDArray[np.float64]:
        return decisions(self.spec, self._chain(index), self.position, rows.stop - rows.start)

    def _trace(self, rows: Sequence[tuple[NDArray[Any], dict[str, float]]]) -> Trace:
        site = self.spec.theory_instance.manifold.site(self.spec.system.lattice)
        fields = np.array([row for row, _ in rows]).reshape(-1, *site)
        return Trace(fields, {name: np.array([said[name] for _, said in rows]) for name in self.spec.stats()})

    def _commit(self, pending: Pending) -> None:
        chains = len(pending.writer.chains)
        states = np.stack([walk.field for walk in self.walks]) if self.walks else None
        pending.commit(states, [walk.saved() for walk in self.walks] or [b""] * chains, self._warm)
        self.board.advanced(self.number, chains, self._warm, pending.writer.draws, 0)


def _cut(tile: Tile, rows: slice) -> Trace:
    """Keep the draws `rows` of a tile as they are."""
    stats: Stats = {**({} if np.iscomplexobj(tile.action) else {"action": tile.action}), **tile.stats}
    if tile.log_weight is not None:
        stats["log_weight"] = tile.log_weight
    return Trace(tile.fields[rows], {name: values[rows] for name, values in stats.items()})
