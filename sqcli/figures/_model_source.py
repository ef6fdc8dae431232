"""What a figure of a model is of: the model, an ensemble beside it, times, numbers of draws, a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.ensemble import MeasuredEnsemble, open_for_measuring
from sqcli.diffusion.device import require_device
from sqcli.diffusion.models.model import Model, is_model
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.noise import Noise
from sqcli.errors import UsageError
from sqcli.figures._reverse_process import Instants
from sqcli.lattice.philox import Stream
from sqcli.runs.execution import memory
from sqcli.theories import IndependentDraws, Theory

MOST_SITES = 2**17  # that go through a network together
SITE_BYTES = 32  # of configurations that are held, with what is made of them
FORWARD, BACKWARD, DATA = range(3)  # chains of random numbers
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Options:
    """What may be said of a figure of a model; a kind takes some of them.

    Attributes:
        ensemble: configurations beside the model.
        times: of the model's schedule; or `levels`, noise levels in units of the normalised field.
        draws: configurations, or samples.
        method: sampler that gives densities, with `parameters`.
    """

    ensemble: Path | None = None
    times: Sequence[float] = ()
    levels: Sequence[float] = ()
    draws: int | None = None
    seed: int | None = None
    method: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None

    def given(self) -> list[str]:
        """Names, as on the command line, of what is said."""
        named: dict[str, object] = {
            "with": self.ensemble,
            "times": self.times,
            "levels": self.levels,
            "draws": self.draws,
        }
        named |= {"seed": self.seed, "method": self.method, "a": self.parameters, "device": self.device}
        return [name for name, value in named.items() if value is not None and value not in ((), {})]


@dataclass(frozen=True)
class Subject:
    """A model, or a sampled ensemble, and the options; everything is read when it is first needed."""

    path: Path
    options: Options

    @property
    def is_model(self) -> bool:
        """Whether the path is a model's, not an ensemble's."""
        return is_model(self.path)

    @cached_property
    def opened(self) -> MeasuredEnsemble | None:
        """The ensemble beside the model, or the subject itself where that is one; None: there is none."""
        path = self.options.ensemble if self.is_model else self.path
        return None if path is None else open_for_measuring(path)

    @cached_property
    def denoiser(self) -> Denoiser:
        """The model for the ensemble's theory and lattice, or for its own."""
        place = require_device(self.options.device)
        model = Model.load(self.path, place)
        theory: Theory | None = None
        if self.opened is not None:
            theory = self.opened.theory.loaded
        return model.denoiser(theory, None if self.opened is None else self.opened.lattice, place)

    @property
    def seed(self) -> int:
        """1 unless said otherwise: figures come out the same."""
        return 1 if self.options.seed is None else self.options.seed

    def noise(self, chain: int, first: int, count: int) -> Noise:
        """Of draws first … first + count − 1."""
        denoiser = self.denoiser
        site = denoiser.theory.manifold.site(denoiser.lattice)
        return Noise(Stream(self.seed, chain), range(first, first + count), site, str(denoiser.device))

    def parts(self, count: int) -> list[tuple[int, int]]:
        """(first, number) of parts of `count` draws that go through the network together."""
        volume = self.denoiser.lattice.volume
        memory.require(self.path, count * volume * SITE_BYTES, "take fewer --draws")
        size = max(1, MOST_SITES // volume)
        return [(first, min(size, count - first)) for first in range(0, count, size)]

    def instants(self, default: Sequence[float], *, as_levels: bool) -> Instants:
        """As asked for; else the default times, or levels."""
        schedule, options = self.denoiser.schedule, self.options
        if options.times and options.levels:
            raise UsageError("--times and --levels say the same; give one of them")
        if options.levels or (as_levels and not options.times):
            return Instants.at_levels(schedule, options.levels or default)
        return Instants.at_times(schedule, options.times or default)

    def data(self, most: int) -> list[Array]:
        """At most about `most` configurations, evenly from all chains: the ensemble's, or the theory's own draws.

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


def configurations(opened: MeasuredEnsemble, most: int) -> list[Array]:
    """At most `most` configurations at equal distances, (n_i, *site) per chain that has any."""
    step = -(-int(opened.ensemble.draws.sum()) // most)
    found: list[list[NDArray[Any]]] = [[] for _ in range(opened.ensemble.chains)]
    for block in opened.ensemble.blocks():
        rows = opened.ensemble.read_block(block)
        for chain in block.chains:
            found[chain].append(rows.fields[(rows.chain == chain) & ((rows.draw + 1) % step == 0)])
    joined = [np.concatenate(parts).astype(np.float64) for parts in found if parts]
    return [fields for fields in joined if len(fields)]
