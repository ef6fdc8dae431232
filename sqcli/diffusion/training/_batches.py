"""Configurations for training, in an order that is a pure function of (seed, epoch), however large the ensemble is.

An ensemble is cut into blocks of some megabytes. An epoch goes through the blocks in random order, a pool of them at
a time, and through the rows of a pool in random order. Blocks are kept in memory as long as there is room: small
ensembles are read once, and the order of the rows does not depend on what is kept.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sqcli.diffusion.training._seeds import ORDER, key
from sqcli.lattice.geometry import Lattice

POOL = 16  # blocks whose configurations are mixed
MEMORY = 2**30  # bytes of blocks that are kept, per ensemble


class BlockSource(Protocol):
    """Configurations of one ensemble, read block by block, that are trained on or validated with.

    Attributes:
        lattice: the lattice of the configurations.
        site: shape of a configuration.
        dtype: type in which they are trained on, float64 or complex128.
        couplings: numbers that the network is told of the theory, (c,).
        sizes: number of configurations in each block.
    """

    lattice: Lattice
    site: tuple[int, ...]
    dtype: str
    couplings: tuple[float, ...]
    sizes: Sequence[int]

    def read(self, block: int) -> NDArray[Any]:
        """Read the configurations of a block, (n, *site)."""


class Dataset:
    """Configurations of a source by number, their blocks kept in memory as long as there is room."""

    def __init__(self, source: BlockSource, memory: int = MEMORY) -> None:
        self.source, self.memory = source, memory
        self.starts = np.concatenate([[0], np.cumsum(source.sizes)]).astype(np.int64)
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, numbers: NDArray[np.int64]) -> Tensor:
        """Read the configurations with these numbers, (n, *site)."""
        out = np.empty((len(numbers), *self.source.site), self.source.dtype)
        blocks = np.searchsorted(self.starts, numbers, side="right") - 1
        for block in np.unique(blocks):
            here = blocks == block
            out[here] = self._block(int(block))[numbers[here] - self.starts[block]]
        return torch.from_numpy(out)

    def _block(self, block: int) -> NDArray[Any]:
        if block not in self._kept:
            self._kept[block] = self.source.read(block)
        self._kept.move_to_end(block)
        while len(self._kept) > 2 * POOL + 1 and sum(kept.nbytes for kept in self._kept.values()) > self.memory:
            self._kept.popitem(last=False)
        return self._kept[block]

    def order(self, seed: int, number: int, epoch: int) -> NDArray[np.int64]:
        """Numbers of all configurations in the order of an epoch; `number` is the ensemble's."""
        random = np.random.default_rng(key(seed, ORDER, number, epoch))
        blocks = random.permutation(len(self.starts) - 1)
        order = [
            random.permutation(np.concatenate([np.arange(*self.starts[b : b + 2]) for b in blocks[i : i + POOL]]))
            for i in range(0, len(blocks), POOL)
        ]
        return np.concatenate(order)

    def some(self, most: int, blocks: int = POOL) -> Tensor:
        """Read at most `most` configurations, spread evenly over at most `blocks` blocks: (n, *site)."""
        count = len(self.starts) - 1
        chosen = np.unique(np.linspace(0, count - 1, min(blocks, count)).round().astype(np.int64))
        rows = np.concatenate([np.arange(*self.starts[b : b + 2]) for b in chosen])
        return self[rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64))]]


class Batches:
    """Batches of several ensembles, each batch of one, in turns that follow the sizes of the ensembles."""

    def __init__(self, datasets: Sequence[Dataset], batch_size: int, seed: int, ranks: int = 1) -> None:
        self.datasets, self.seed = datasets, seed
        self.sizes = [min(batch_size, len(d)) // ranks * ranks for d in datasets]
        counts = [len(d) // size for d, size in zip(datasets, self.sizes, strict=True)]
        turns = [((j + 0.5) / count, number, j) for number, count in enumerate(counts) for j in range(count)]
        self.turns = [(number, j) for _, number, j in sorted(turns)]
        self._orders: dict[int, tuple[int, NDArray[np.int64]]] = {}

    def __len__(self) -> int:
        """Number of batches of an epoch; what does not fill a last batch waits for another epoch's order."""
        return len(self.turns)

    def __call__(self, step: int, rank: int = 0, ranks: int = 1) -> tuple[int, Tensor]:
        """Read the rank's share of the batch of a step: number of the ensemble, and (n, *site)."""
        epoch, turn = divmod(step, len(self))
        number, j = self.turns[turn]
        if self._orders.get(number, (-1,))[0] != epoch:
            self._orders[number] = epoch, self.datasets[number].order(self.seed, number, epoch)
        size = self.sizes[number]
        return number, self.datasets[number][self._orders[number][1][j * size + rank : (j + 1) * size : ranks]]
