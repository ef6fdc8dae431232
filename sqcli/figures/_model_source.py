"""Source of a figure of a model: the model, an ensemble beside it, random numbers."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.ensemble import MeasuredEnsemble, open_for_measuring
from sqcli.diffusion.device import require_device
from sqcli.diffusion.models.model import Model, is_model
from sqcli.diffusion.process.denoiser import Denoiser, euclidean
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.errors import UsageError
from sqcli.lattice.philox import Stream
from sqcli.runs.execution import memory
from sqcli.theories import IndependentDraws, Theory

MOST_SITES = 2**17  # that go through a network together
SITE_BYTES = 32  # of configurations that are held, with what is made of them
FORWARD, BACKWARD, DATA = range(3)  # chains of random numbers
Array = NDArray[np.float64]


@dataclass(frozen=True)
class ModelSource:
    """A model or a sampled ensemble, with the ensemble beside it; everything is read when it is first needed.

    Attributes:
        path: where the model lies, or the sampled ensemble.
        ensemble: configurations beside the model.
        device: where its network computes.
        seed: of random numbers.
    """

    path: Path
    ensemble: Path | None = None
    device: str | None = None
    seed: int = 1

    @property
    def is_model(self) -> bool:
        """Whether the path is a model's, not an ensemble's."""
        return is_model(self.path)

    @cached_property
    def opened(self) -> MeasuredEnsemble | None:
        """The ensemble beside the model, or the subject itself where that is one; None: there is none."""
        path = self.ensemble if self.is_model else self.path
        return None if path is None else open_for_measuring(path)

    @cached_property
    def denoiser(self) -> Denoiser:
        """The model of a real field for the ensemble's theory and lattice, or for its own."""
        return euclidean(self.process)

    @cached_property
    def process(self) -> Process:
        """The model for the ensemble's theory and lattice, or for its own."""
        device = require_device(self.device)
        model = Model.load(self.path, device)
        theory: Theory | None = None
        if self.opened is not None:
            theory = self.opened.theory.loaded
        return model.process(theory, None if self.opened is None else self.opened.lattice, device)

    def noise(self, chain: int, first: int, count: int) -> Noise:
        """Make the random numbers of draws first … first + count − 1."""
        denoiser = self.denoiser
        site = denoiser.theory.manifold.site(denoiser.lattice)
        return Noise(Stream(self.seed, chain), range(first, first + count), site, str(denoiser.device))

    def parts(self, count: int) -> list[tuple[int, int]]:
        """Divide `count` draws into parts (first, number) that go through the network together."""
        volume = self.denoiser.lattice.volume
        memory.require(self.path, count * volume * SITE_BYTES, "take fewer --draws")
        size = max(1, MOST_SITES // volume)
        return [(first, min(size, count - first)) for first in range(0, count, size)]

    def data(self, most: int) -> list[Array]:
        """Read at most about `most` configurations, evenly from all chains: the ensemble's, or the theory's own draws.

        Raises:
            UsageError: there is no ensemble, and the theory cannot be drawn from.
        """
        if self.opened is not None:
            return configurations(self.opened, most)
        denoiser, theory = self.denoiser, self.denoiser.theory
        memory.require(self.path, most * denoiser.lattice.volume * SITE_BYTES, "take fewer --draws")
        known: object = theory
        if not isinstance(known, IndependentDraws):
            raise UsageError("configurations are needed: give an ensemble of them by --with")
        normals = self.noise(DATA, 0, most).normal(0).cpu().numpy()
        return [known.independent(normals, denoiser.lattice)]


def configurations(opened: MeasuredEnsemble, most: int) -> list[NDArray[Any]]:
    """Read at most `most` configurations at equal distances, (n_i, *site) per chain that has any."""
    step = -(-int(opened.ensemble.draws.sum()) // most)
    found: list[list[NDArray[Any]]] = [[] for _ in range(opened.ensemble.chains)]
    for block in opened.ensemble.blocks():
        rows = opened.ensemble.read_block(block)
        for chain in block.chains:
            found[chain].append(rows.fields[(rows.chain == chain) & ((rows.draw + 1) % step == 0)])
    joined = [np.concatenate(parts) for parts in found if parts]
    joined = [fields.astype(np.result_type(fields, np.float64)) for fields in joined]
    return [fields for fields in joined if len(fields)]
