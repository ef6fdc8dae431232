"""Reader of an ensemble: the committed draws and nothing else, every chunk verified."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import DamageError, SqcliError
from sqcli.files import resolved
from sqcli.store._arrays import Array
from sqcli.store._committed import Committed
from sqcli.store._layout import Layout
from sqcli.store._records import N_DRAWS, N_WARMUP, allocated_draws, group_chains, read_records
from sqcli.store._root import read_arrays, read_root

if TYPE_CHECKING:
    from zarr import Group


class Block(NamedTuple):
    """Draws start … stop − 1 of some neighbouring chains."""

    chains: range
    start: int
    stop: int


class BlockDraws(NamedTuple):
    """Draws of a block, chain after chain: fields (n, *site), and the chain and draw number of each, (n,)."""

    fields: NDArray[Any]
    chain: NDArray[np.int64]
    draw: NDArray[np.int64]


class Ensemble:
    """Handle for reading an ensemble; holds no lock and no open file.

    Draws committed after it was made are seen after `refresh()`. Whatever is read was verified against its checksum;
    missing, shortened or altered bytes raise `DamageError`.

    Attributes:
        path: the ensemble's directory.
        attrs: its root attributes.
        layout: shapes and types.
        arrays: metadata of all arrays by path below the root, observables left out.
        records: the commit records (C, 8).
    """

    path: Path
    attrs: dict[str, Any]
    layout: Layout
    arrays: dict[str, Array]
    records: NDArray[np.int64]

    def __init__(self, path: str | Path) -> None:
        self.path = resolved(Path(path))
        self.refresh()

    def refresh(self) -> None:
        """Read attributes, array lengths and commit records again."""
        self.attrs = read_root(self.path)
        self.layout, self.arrays = read_arrays(self.path, self.attrs)
        self.records = read_records(self.layout, self.arrays)
        if self.records[:, N_DRAWS].max() > allocated_draws(self.arrays):
            self._reload_grown()

    def _reload_grown(self) -> None:
        # the ensemble may have grown, and draws been committed, after the lengths were read and before the records
        self.attrs = read_root(self.path)
        self.layout, self.arrays = read_arrays(self.path, self.attrs)
        longest, room = int(self.records[:, N_DRAWS].max()), allocated_draws(self.arrays)
        if longest > room:
            raise DamageError(f"{self.path}: a commit record claims {longest} draws, {room} are allocated")

    @property
    def chains(self) -> int:
        """Number of chains."""
        return self.layout.chains

    @property
    def target_draws(self) -> int:
        """Draws per chain that are asked for."""
        return self.layout.target_draws

    @property
    def draws(self) -> NDArray[np.int64]:
        """Committed draws of each chain, (C,)."""
        return self.records[:, N_DRAWS]

    @property
    def finished(self) -> bool:
        """True when every chain has all its draws."""
        return bool((self.draws >= self.target_draws).all())

    def committed(self, chain: int) -> int:
        """Return the number of committed draws of a chain."""
        return int(self.records[chain, N_DRAWS])

    def common_draws(self) -> int:
        """Return the number of draws that all chains have; 0 where nothing is committed yet.

        Raises:
            SqcliError: some chains have not begun while others have draws, which a cut to 0 would hide; names them.
        """
        waiting = np.flatnonzero(self.draws == 0)
        if 0 < len(waiting) < self.chains:
            raise SqcliError(
                f"{self.path}: no draw of chain{'s' * (len(waiting) > 1)} {_spans(waiting)} of {self.chains} is "
                "committed, and a draw is wanted of every chain; run what is missing first"
            )
        return int(self.draws.min())

    def warmup_done(self, chain: int) -> int:
        """Return the number of warm-up updates that a chain has behind it."""
        return int(self.records[chain, N_WARMUP])

    def fields(self, chain: int, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Read draws start … stop − 1 of a chain, (n, *site); `IndexError` beyond the committed ones."""
        stop = self.committed(chain) if stop is None else stop
        if not 0 <= start <= stop <= self.committed(chain):
            raise IndexError(f"draws {start}:{stop} of chain {chain}, which has {self.committed(chain)}")
        return np.asarray(self._field.read(range(chain, chain + 1), start, stop)[0])

    @property
    def _field(self) -> Array:
        return self.arrays[f"configurations/{self.layout.field}"]

    @property
    def stat_names(self) -> tuple[str, ...]:
        """Names of the per-draw numbers."""
        return tuple(self.layout.stats)

    def stat(self, name: str) -> list[NDArray[Any]]:
        """Read a statistic of every chain, numbers per draw, each (n_i,)."""
        if name not in self.layout.stats:
            raise SqcliError(f"{self.path}: no sample_stats {name!r}; there are {', '.join(self.stat_names) or 'none'}")
        array = self.arrays[f"sample_stats/{name}"]
        series: list[NDArray[Any]] = []
        for group in range(self.layout.groups):
            chains = group_chains(self.layout, group)
            series += list(array.read(chains, 0, self.committed(chains.start)))
        return series

    def __getitem__(self, name: str) -> Committed:
        """Open the field or a statistic by name, lazy, cut to the draws that all chains have committed.

        Raises:
            KeyError: there is none.
            SqcliError: some chains have not begun.
        """
        paths = [name, f"configurations/{name}", f"sample_stats/{name}"]
        found = [path for path in paths if path in self.arrays and not path.startswith("checkpoint/")]
        if not found:
            raise KeyError(name)
        return Committed(self.arrays[found[0]], self.common_draws())

    def blocks(self, max_bytes: int = 32 * 2**20) -> Iterator[Block]:
        """Cut all committed draws along chunks, chain by chain, into blocks of about `max_bytes`.

        Neighbouring chains share a block where all their draws fit (and must, where they share chunks).
        """
        g, k = self._field.chunks[:2]
        group = 0
        while group < self.layout.groups:
            chains = group_chains(self.layout, group)
            n = self.committed(chains.start)
            fitting = max(1, max_bytes // max(1, n * self.layout.draw_bytes * g))
            last = group + 1
            while last < min(group + fitting, self.layout.groups) and self.committed(last * g) == n:
                last += 1
            chains = range(chains.start, group_chains(self.layout, last - 1).stop)
            step = max(1, max_bytes // (len(chains) * k * self.layout.draw_bytes)) * k
            yield from (Block(chains, start, min(start + step, n)) for start in range(0, n, step))
            group = last

    def read_block(self, block: Block) -> BlockDraws:
        """Read the draws of a block from `blocks`, chain after chain."""
        fields = self._field.read(block.chains, block.start, block.stop)
        chain, draw = np.meshgrid(np.array(block.chains), np.arange(block.start, block.stop), indexing="ij")
        return BlockDraws(fields.reshape(-1, *self.layout.site), chain.ravel(), draw.ravel())

    @property
    def zarr(self) -> "Group":
        """Read-only `zarr.Group` of the ensemble, opened anew each time: `ensemble.zarr["configurations/phi"]`.

        zarr knows no commits. Of chain c the first `committed(c)` draws are data (all chains: `draws`), of a series in
        `observables` the first `attrs["measured"][c]`, and of the two checkpoint slots the one that column 2 of
        `checkpoint/record` names; what lies beyond is fill values, or left by a killed run. A missing chunk, which is
        damage within that range, reads as fill values: `check` finds it.
        """
        from sqcli.store._zarr import open_group

        return open_group(self.path)

    def to_xarray(self) -> Any:
        """Open the ensemble as an `xarray.DataTree`, lazy, cut to the draws that all chains have committed."""
        from sqcli.store._xarray import open_tree

        return open_tree(self.path, self.common_draws())


def _spans(numbers: NDArray[np.int64], most: int = 8) -> str:
    """Write increasing numbers as `0, 2-4, 7`, at most the first `most` spans."""
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    texts = [f"{part[0]}" if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts]
    return ", ".join(texts[:most] + ["…"] * (len(texts) > most))


def open_ensemble(path: str | Path) -> Ensemble:
    """Open the ensemble at `path` for reading.

    Raises:
        SqcliError: it cannot be; one line names path and fault. `DamageError` where bytes are not what was written.
    """
    return Ensemble(path)
