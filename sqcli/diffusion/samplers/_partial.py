"""Moves of partial noise: a configuration is noised up some rungs of its path, comes back, and is accepted or not.

Both half paths share their top y_j: up from φ by the forward kernels p, down to φ′ by the reverse kernels q. Accepting
with min(1, [e^{−S′} Π p(y′_i | y′_{i−1})/q(y′_{i−1} | y′_i)] / [the same of φ]) leaves e^{−S} invariant for any net:
a move of a size that is chosen, where a whole new path would seldom be accepted.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers.path import Path, paths_of
from sqcli.errors import UsageError
from sqcli.lattice.philox import Stream

DECISION = 0x3FFE  # step that keys the uniform number of a decision; paths use small ones


@dataclass(frozen=True)
class PartialMove:
    """Move that goes up `rungs` rungs of the paths of a sampler."""

    rungs: int
    sampler: Path

    def __post_init__(self) -> None:
        if not 1 <= self.rungs <= self.sampler.n_steps:
            raise UsageError(f"--move {self.rungs}: the paths have {self.sampler.n_steps} rungs")

    @torch.no_grad()
    def __call__(
        self, process: Process, field: NDArray[np.generic], stream: Stream, number: int
    ) -> tuple[NDArray[np.generic], bool]:
        """Make move `number` of a chain from a configuration (*site): the next one, and whether it was accepted."""
        paths, old = paths_of(process), torch.from_numpy(field[None]).to(process.device)
        tangent = process.theory.manifold.tangent(process.lattice)
        noise = Noise(stream, range(number, number + 1), tangent, str(process.device))
        new, change = paths.partial(old, noise, self.sampler.levels(paths), self.rungs)
        action = process.theory.action
        ratio = float((action(old, process.lattice) - action(new, process.lattice) - change)[0])
        uniform = float(noise.uniform(DECISION)[0])
        accepted = uniform < np.exp(min(0.0, ratio))  # false where the ratio is no number
        return (new[0].cpu().numpy() if accepted else field), accepted
