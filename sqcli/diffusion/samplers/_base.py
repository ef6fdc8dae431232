"""Interface of samplers: keyed random numbers and a process make configurations, with a density where it is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor

from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.exactness import Exactness
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

MOST_STEPS = 100_000  # most steps of any kind in a draw


@dataclass(frozen=True)
class Drawn:
    """Configurations that a sampler made.

    Attributes:
        fields: configurations φ in physical units, (n, *site), double precision.
        log_density: log q of each, (n,), with ⟨e^{−S − log q}⟩ = Z over the sampler's randomness; None where unknown.
            For `path` it is that of the whole path over its forward kernels.
        stats: further numbers per draw, (n,) each.
    """

    fields: Tensor
    log_density: Tensor | None = None
    stats: Mapping[str, Tensor] = field(default_factory=dict)


class Sampler(Protocol):
    """Public class of a sampler's file: a frozen dataclass of its parameters."""

    def check(self, process: Process) -> None:
        """Raise UsageError where this model or theory cannot be sampled so."""

    def exactness(self, process: Process | None = None) -> Exactness:
        """State what the draws are by themselves; a sampler with log_density is `weighted` or says why not.

        Without a `process` the statement is for no model in particular.
        """

    def stats(self, theory: Theory) -> tuple[str, ...]:
        """Names of `Drawn.stats` for fields of a theory."""

    def draw(self, process: Process, noise: Noise) -> Drawn:
        """Draw one configuration for each row of `noise`, each independent of the others in the batch."""


@runtime_checkable
class Weighted(Protocol):
    """A sampler that knows the density of what it draws; one that may be told not to says so in a `weighs` of False."""

    def log_density(self, process: Process, fields: Tensor, noise: Noise) -> Tensor:
        """Log density of the sampler at given configurations (n, *site) in physical units: (n,).

        The number is what `Drawn.log_density` would have been. A random one (path weights) has the law that keeps the
        extended target invariant.
        """


@runtime_checkable
class Costly(Protocol):
    """A sampler that takes long over a draw; its tiles are small, so that a stop loses little."""

    def efficient_batch(self, lattice: Lattice) -> int:
        """Number of draws that cost no more together than one after the other, at most."""


@runtime_checkable
class Piloted(Protocol):
    """A sampler that measures what its draws are worth on a few of them, before any is kept."""

    pilots: ClassVar[int]

    def measured(self, process: Process, noise: Noise) -> Exactness:
        """Judge exactness on draws for the rows of `noise`, `pilots` of them unless their fields are huge."""
