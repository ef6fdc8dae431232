"""Random numbers of samplers, keyed by (run, chain, draw, step): no draw depends on which others are made with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sqcli.lattice.philox import Stream, fill_normal_rows, fill_uniforms

FIRST = 0x8000  # purposes from here on are the samplers'; Markov chain algorithms use small ones


@dataclass(frozen=True)
class Noise:
    """Random numbers of some draws of one chain.

    Attributes:
        stream: the stream of the run and the chain.
        draws: numbers of the draws, one per row of a batch.
        site: shape of a tangent vector of a configuration, that of real fields.
        device: device on which the numbers are wanted.
    """

    stream: Stream
    draws: Sequence[int]
    site: tuple[int, ...]
    device: str = "cpu"

    def normal(self, step: int) -> Tensor:
        """Draw independent N(0, 1): (n, *site), float64; `step` numbers the uses within a draw."""
        out = np.empty((len(self.draws), int(np.prod(self.site))))
        page, purpose = self._counter(0, step)
        updates = np.array(self.draws, dtype=np.uint64) + np.uint64(page)
        fill_normal_rows("float64")(out, updates, purpose, self.stream.key)
        return torch.from_numpy(out.reshape(-1, *self.site)).to(self.device)

    def uniform(self, step: int) -> Tensor:
        """Draw one number in [0, 1) per draw: (n,), float64. Its `step` counts on its own, beside that of `normal`."""
        out = np.empty((len(self.draws), 1))
        for row, draw in zip(out, self.draws, strict=True):
            update, purpose = self._counter(draw, step)
            fill_uniforms("float64")(row, update, purpose + FIRST // 2, self.stream.key)
        return torch.from_numpy(out[:, 0]).to(self.device)

    @staticmethod
    def _counter(draw: int, step: int) -> tuple[int, int]:
        """Update and purpose of a random number; steps beyond what a purpose can hold use further updates."""
        page, purpose = divmod(step, FIRST // 2)
        return draw + (page << 32), FIRST + purpose
