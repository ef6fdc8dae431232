"""Draws of a sampler in fixed tiles, with their actions and log weights −S − log q, as NumPy arrays.

A tile is always computed whole, and every random number belongs to its (run, chain, draw): no digit depends on how
many draws are wanted, on who computes them, or on what was there before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers import Costly, Piloted, Sampler, Weighted
from sqcli.errors import SqcliError
from sqcli.exactness import Exactness
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.theories import Theory

FEWEST, MOST = 32, 512  # draws of a tile, unless its fields would be huge
NUMBERS = 2**11  # of a tile of small fields, so that calls cost less than numbers
MOST_NUMBERS = 2**22  # of any tile
RENEWALS = 2**31  # draw numbers from here on key what happens to a draw after it was made
PILOT = 2**32 - 1  # chain whose random numbers pilot draws have
Array = NDArray[np.float64]


def numbers_of(theory: Theory, lattice: Lattice) -> int:
    """Count the real numbers of a configuration."""
    return theory.manifold.components(lattice) * lattice.volume


def tile_size(theory: Theory, lattice: Lattice, sampler: Sampler) -> int:
    """Choose the draws of a tile: a power of two, fixed by the theory, the lattice and the sampler."""
    numbers = numbers_of(theory, lattice)
    draws = min(max(FEWEST, min(MOST, NUMBERS // numbers)), max(1, MOST_NUMBERS // numbers))
    if isinstance(sampler, Costly):
        draws = max(1, min(draws, sampler.efficient_batch(lattice)))
    return 1 << (draws.bit_length() - 1)


@dataclass(frozen=True)
class Tile:
    """Consecutive draws of one chain.

    Attributes:
        fields: configurations (n, *site).
        action: S, (n,), complex where it is.
        log_weight: −S − log q, −∞ where a draw is not finite, (n,); None where q is not known.
        stats: statistics of the sampler, (n,) each.
    """

    fields: NDArray[Any]
    action: NDArray[Any]
    log_weight: Array | None
    stats: Mapping[str, Array]


@dataclass(frozen=True)
class Proposals:
    """Draws of a sampler at work on one model, theory and lattice, with the random numbers of the key `run`.

    `tile_draws` is the number of draws of a tile; for 0 `tile_size` chooses it.
    """

    process: Process
    sampler: Sampler
    run: int
    tile_draws: int = 0

    @property
    def size(self) -> int:
        """Number of draws of a tile."""
        return self.tile_draws or tile_size(self.process.theory, self.process.lattice, self.sampler)

    def exactness(self) -> Exactness:
        """Say how exact the sampler's draws are, measured on pilot draws where the sampler can."""
        if not isinstance(self.sampler, Piloted):
            return self.sampler.exactness(self.process)
        draws = min(self.sampler.pilots, max(1, MOST_NUMBERS // numbers_of(self.process.theory, self.process.lattice)))
        return self.sampler.measured(self.process, self._noise(PILOT, range(draws)))

    def tile(self, chain: int, number: int) -> Tile:
        """Compute the draws number·size … (number + 1)·size − 1 of `chain`.

        Raises:
            SqcliError: a draw without density, or every draw of the tile, is not finite.
        """
        first = number * self.size
        drawn = self.sampler.draw(self.process, self._noise(chain, range(first, first + self.size)))
        fields = drawn.fields.detach()
        action = self.process.theory.action(fields, self.process.lattice)
        stats = {name: _numpy(values) for name, values in drawn.stats.items()}
        log_weight = None if drawn.log_density is None else _numpy(-action - drawn.log_density)
        return _sound(
            Tile(fields.to("cpu").numpy(), action.detach().to("cpu").numpy(), log_weight, stats), chain, first
        )

    def log_weight(self, chain: int, number: int, field: NDArray[Any]) -> float:
        """Compute −S − log q of a configuration (*site) that follows draw `number`; +∞ where the sampler cannot get.

        Raises:
            SqcliError: the model gives no number there.
        """
        assert isinstance(self.sampler, Weighted)
        fields = torch.from_numpy(field[None]).to(self.process.device)
        noise = self._noise(chain, range(RENEWALS + number, RENEWALS + number + 1))
        log_q = self.sampler.log_density(self.process, fields, noise)
        found = float(_numpy(-self.process.theory.action(fields, self.process.lattice) - log_q)[0])
        if np.isnan(found):
            raise SqcliError(f"the model gives no density at a configuration of chain {chain}; train it longer")
        return found

    def _noise(self, chain: int, draws: range) -> Noise:
        tangent = self.process.theory.manifold.tangent(self.process.lattice)
        return Noise(Stream(self.run, chain), draws, tangent, str(self.process.device))


def _sound(tile: Tile, chain: int, first: int) -> Tile:
    """Give draws that are not finite a field of zeros and weight zero; SqcliError where there are no weights."""
    good = np.isfinite(tile.fields.reshape(len(tile.fields), -1)).all(axis=1)
    log_weight = tile.log_weight
    if log_weight is not None:
        good &= np.isfinite(log_weight) | (log_weight == -np.inf)
    if not good.any() or (log_weight is None and not good.all()):
        draw = first + int(np.flatnonzero(~good)[0])
        raise SqcliError(
            f"the sampler's draw {draw} of chain {chain} is not finite; train the model longer or take smaller steps"
        )
    if log_weight is None or good.all():
        return tile
    fields = np.where(good.reshape(-1, *(1,) * (tile.fields.ndim - 1)), tile.fields, 0.0)
    return Tile(fields, np.where(good, tile.action, 0.0), np.where(good, log_weight, -np.inf), tile.stats)


def _numpy(values: Tensor) -> Array:
    return values.detach().to("cpu", torch.float64).numpy()
