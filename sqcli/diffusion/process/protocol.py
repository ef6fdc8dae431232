"""Protocols of noised processes: what training and samplers know of one, whatever its fields are.

Four stand beside each other: real fields with Gaussian noise (`denoiser.py`), complex fields as pairs (Re, Im)
(`pairs.py`), links in Brownian motion on their group (`diffusion/links`), and the plaquettes of two-dimensional U(1)
with the charge drawn first (`diffusion/plaquettes`).
A network belongs to one of them, which its `process` names.
"""

import threading
from typing import Protocol, Self, runtime_checkable

import torch
from torch import Generator, Tensor

from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


class RandomNumbers(Protocol):
    """Source of random numbers: the part of `Noise` that a path needs."""

    def normal(self, step: int) -> Tensor:
        """Draw N(0, 1) in the shape of tangent vectors: (n, *tangent)."""

    def uniform(self, step: int) -> Tensor:
        """Draw numbers in [0, 1): (n,)."""


class Statistics(Protocol):
    """Numbers that are learnt of a training ensemble beside the weights; tensors in float64."""

    @property
    def scale(self) -> float:
        """Unit of the field; 1 for links."""

    def tensors(self) -> dict[str, Tensor]:
        """Tensors by name, for the file; all but the scale."""


class Process(Protocol):
    """A model's network at work on the fields of one theory on one lattice; a frozen dataclass."""

    @property
    def theory(self) -> Theory:
        """Theory whose configurations are wanted."""

    @property
    def lattice(self) -> Lattice:
        """Lattice of the configurations."""

    @property
    def statistics(self) -> Statistics:
        """Numbers learnt beside the weights."""

    @property
    def stop(self) -> threading.Event:
        """Event after which every further evaluation raises Stopped."""

    @property
    def device(self) -> torch.device:
        """Device on which fields have to be."""

    def stopped_by(self, stop: threading.Event) -> Self:
        """Copy the process, with another event that stops it."""

    def raise_if_stopped(self) -> None:
        """Raise Stopped once the run is to end."""

    def from_field(self, field: Tensor) -> Tensor:
        """Configurations (n, *site) in the units that objectives work in."""


@runtime_checkable
class DenoisingLoss(Process, Protocol):
    """A process with its own form of denoising score matching."""

    def denoising_loss(self, x0: Tensor, generator: Generator, single_shot: bool) -> Tensor:
        """Compute the loss of configurations, (n,).

        Args:
            x0: configurations (n, *site).
            generator: source of every random number.
            single_shot: noise by one exponential, as published, instead of the heat kernel.
        """


@runtime_checkable
class ImplicitLoss(Process, Protocol):
    """A process with its own form of implicit score matching."""

    def implicit_loss(self, x0: Tensor, generator: Generator, probes: int) -> Tensor:
        """Compute the loss of configurations, (n,), with so many random directions for the divergence."""


@runtime_checkable
class TargetLoss(Process, Protocol):
    """A process with its own form of target score matching."""

    def target_loss(self, x0: Tensor, generator: Generator) -> Tensor:
        """Compute the loss of configurations, (n,)."""


@runtime_checkable
class Paths(Process, Protocol):
    """A process that goes up and down a ladder of levels in steps whose densities are known."""

    def ladder(self, steps: int, low: float, high: float) -> Tensor:
        """Levels 0 = s₀ < s₁ < … < s_N, `steps` of them above 0, from `low` to `high` (0: where the process says)."""

    def descend(self, numbers: RandomNumbers, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Draw paths by the reverse kernels: their ends, (n, *site), and log q over the forward kernels, (n,).

        ⟨e^{−S − log q}⟩ = Z, whatever the network is worth.
        """

    def log_density(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor) -> Tensor:
        """Draw forward paths from given fields: log q of these paths over the forward kernels, (n,)."""

    def partial(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor, rungs: int) -> tuple[Tensor, Tensor]:
        """Noise fields up to levels[rungs] and come back: new fields, and log q′ − log q of the two half paths, (n,).

        Accepting with min(1, e^{−S′ + S − (log q′ − log q)}) leaves e^{−S} invariant.
        """


@runtime_checkable
class Annealed(Process, Protocol):
    """A process whose score is known at every level, so that dynamics can follow it down a ladder of levels.

    Noised fields need not be of a configuration's shape; only `finish` makes configurations of them. Random numbers
    come in the shape of configurations' tangent vectors.
    """

    def annealing(self, steps: int, low: float, high: float) -> Tensor:
        """Levels s_0 > … > s_steps > 0, even in their logarithm, from `high` to `low` (0: where the process says)."""

    def begin(self, numbers: RandomNumbers, level: Tensor) -> tuple[Self, Tensor]:
        """Draw noised fields at the first level, and what all the rest depends on, if there is such: the process of it.

        The numbers of the steps from 1 to 2^27 are left to the dynamics.
        """

    def pull(self, noised: Tensor, level: Tensor) -> Tensor:
        """Compute s² ∇ log p_s at the level s (), a tangent vector."""

    def kick(self, normal: Tensor) -> Tensor:
        """Make tangent vectors N(0, 1) of noised fields from random numbers (n, *tangent)."""

    def shifted(self, noised: Tensor, *parts: Tensor) -> Tensor:
        """Move noised fields along the sum of tangent vectors."""

    def returned(self, old: Tensor, new: Tensor, *parts: Tensor) -> Tensor:
        """Tangent vector that takes `new` back to `old`, where `new` is `old` shifted by `parts`."""

    def action(self, noised: Tensor) -> Tensor:
        """Compute minus the log density of the wanted theory, (n,), at noised fields taken as they are."""

    def finish(self, noised: Tensor, level: Tensor, numbers: RandomNumbers) -> Tensor:
        """Make configurations (n, *site) of fields at a level s (); at s = 0 they are taken as they are."""


@runtime_checkable
class Energetic(Annealed, Protocol):
    """A process whose density is known at every level, but for its normalisation, with the score as its derivative."""

    def require_energy(self) -> None:
        """Raise UsageError where the network has no energy."""

    def energy(self, noised: Tensor, level: Tensor) -> Tensor:
        """Compute the energy E, p_s ∝ e^{−E}, at a level s (): (n,)."""

    def log_begin(self, noised: Tensor) -> Tensor:
        """Log density with which `begin` draws noised fields, over the measure of `action`, (n,)."""
