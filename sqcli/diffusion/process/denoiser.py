"""Denoiser that samplers work with: D(y, s) ≈ E[x₀ | y = x₀ + s z], so score = (D − y)/s², and its accuracy.

Fields x are the theory's in units of `scale`: φ = scale · x. A model may draw a slow mode first (`begin`: the
magnetisation M from its own density); then y holds the other modes only, and everything is conditional on M.
"""

import threading
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from sqcli.diffusion.nets import Context, Net
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import Stopped, UsageError
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


@dataclass(frozen=True)
class Denoiser:
    """A model's network at work on one lattice, for one theory.

    Attributes:
        net: in evaluation mode, on the device where fields are wanted.
        statistics: tables learnt beside the weights, in float64, on the same device.
        schedule: the model's noise schedule.
        theory: the theory whose configurations are wanted.
        lattice: the lattice of the configurations, of any size.
        couplings: numbers that the network is conditioned on, (c,) float64; empty when it is not.
        stop: once it is set every further evaluation raises Stopped, so that a sampler ends in the middle of a draw.
    """

    net: Net
    statistics: ModeStatistics
    schedule: Schedule
    theory: Theory
    lattice: Lattice
    couplings: Tensor
    stop: threading.Event = field(default_factory=threading.Event, compare=False)

    def stopped_by(self, stop: threading.Event) -> Self:
        """Copy the denoiser, with another event that stops it."""
        return replace(self, stop=stop)

    def raise_if_stopped(self) -> None:
        """Raise Stopped once the run is to end; long loops call this in every round.

        Raises:
            Stopped: the run is to end.
        """
        if self.stop.is_set():
            raise Stopped("stopped in the middle of a draw; run again to go on")

    @property
    def scale(self) -> float:
        """Unit of the field: φ = scale · x."""
        return self.statistics.scale

    @property
    def device(self) -> torch.device:
        """Device on which fields have to be."""
        return self.couplings.device

    @cached_property
    def mask(self) -> Tensor:
        """Mask of the modes that y holds: 1, but 0 for M's where M is drawn first: (*extents), float64."""
        mask = torch.ones(self.lattice.extents, dtype=torch.float64, device=self.device)
        if self.net.slow_mode:
            mask[(0,) * self.lattice.dimension] = 0.0
        return mask

    @property
    def freedoms(self) -> int:
        """Number of modes that y holds."""
        return self.lattice.volume - int(self.net.slow_mode)

    def project(self, field: Tensor) -> Tensor:
        """Remove the modes that y does not hold."""
        if not self.net.slow_mode:
            return field
        return field - self._mean(field).reshape(-1, *self.ones)

    def begin(self, uniform: Tensor) -> tuple[Tensor | None, Tensor]:
        """Draw the slow mode from uniform numbers (n,): M in units of x, or None, and the log density of √V M, (n,)."""
        if not self.net.slow_mode:
            return None, torch.zeros_like(uniform)
        return self.statistics.draw_slow(uniform, self.lattice)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Split x (n, *extents) into the field without slow mode, M or None, and the log density of √V M."""
        if not self.net.slow_mode:
            return x, None, torch.zeros(len(x), dtype=x.dtype, device=x.device)
        given = self._mean(x)
        return self.project(x), given, self.statistics.log_slow(given, self.lattice)

    def join(self, x: Tensor, given: Tensor | None) -> Tensor:
        """Put the slow mode back into a field: the inverse of `split`."""
        return x if given is None else x + given.reshape(-1, *self.ones)

    def denoise(self, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
        """Compute D(y, s): (n, *extents) float64, s () or (n,); without the slow mode where y is.

        Raises:
            Stopped: the run is to end.
        """
        self.raise_if_stopped()
        kind = self.net.dtype
        context = Context(
            self.spectrum(given).to(kind),
            self.couplings.expand(len(y), -1).to(kind),
            None if given is None else given.to(kind),
            self.scale,
        )
        found: Tensor = self.net(y.to(kind), level.to(kind).expand(len(y)), context)
        return found.to(y.dtype)

    def score(self, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
        """Score ∇_y log p_s(y | M) = (D − y)/s², in units of x."""
        return (self.denoise(y, level, given) - y) / level.reshape(-1, *self.ones) ** 2

    def spectrum(self, given: Tensor | None) -> Tensor:
        """Variances G_k of the modes of x (given M): (1 or n, *extents), float64; positive also where masked."""
        return self.statistics.spectrum(self.lattice, given)

    def residual(self, level: Tensor, given: Tensor | None) -> Tensor:
        """Variances of the modes of x₀ − D(y, s) at the level s (): (1 or n, *extents), float64."""
        return self.statistics.residual(level, self.lattice, given)

    def to_field(self, x: Tensor) -> Tensor:
        """Physical field of x: φ = scale · x."""
        return x * self.scale

    def from_field(self, field: Tensor) -> Tensor:
        """Field in units of the scale: x = φ/scale."""
        return field / self.scale

    @property
    def log_jacobian(self) -> float:
        """Logarithm V log scale of the Jacobian of φ = scale · x; log p(φ) = log p(x) − V log scale."""
        return self.lattice.volume * float(torch.tensor(self.scale, dtype=torch.float64).log())

    @property
    def ones(self) -> tuple[int, ...]:
        """Shape with which numbers (n,) broadcast over the field, without the first axis."""
        return (1,) * self.lattice.dimension

    def _mean(self, field: Tensor) -> Tensor:
        return field.mean(tuple(range(-self.lattice.dimension, 0)))


def denoiser_of(process: Process) -> Denoiser:
    """Return the process as a denoiser of fields with Gaussian noise; UsageError where its fields are links."""
    manifold = process.theory.manifold
    if not isinstance(process, Denoiser) or not (manifold.flat or isinstance(manifold, ComplexField)):
        raise UsageError(f"that is for models of real fields, not of {manifold.name} links")
    return process


def euclidean(process: Process) -> Denoiser:
    """Return the process as a denoiser of real fields, of which e^{−S} is a density; UsageError where it is none."""
    found = denoiser_of(process)
    if not found.theory.manifold.flat:
        raise UsageError(
            "that is for models of real fields: S is complex, and e^{-S} no density; draw with sde, ode or dpm"
        )
    return found
