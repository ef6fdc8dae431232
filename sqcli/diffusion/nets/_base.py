"""Interface of networks of real fields: a denoiser D(y, s) ≈ E[x₀ | y = x₀ + s z] of fields of any extents."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from sqcli.diffusion.schedules import Schedule
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


@dataclass(frozen=True)
class Problem:
    """The problem that a network is built for.

    Attributes:
        theory: the theory of the (first) training ensemble.
        lattice: the lattice of that ensemble; only its dimension binds the network.
        schedule: the model's noise schedule.
        couplings: names of the theory's parameters that the network is told; empty for one ensemble.
    """

    theory: Theory
    lattice: Lattice
    schedule: Schedule
    couplings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """Input of a network beside y and s, all in the network's precision.

    Attributes:
        spectrum: variances G_k of the modes of x (given M), (n or 1, *extents), in the order of `torch.fft`.
        couplings: numbers that the network is told of the theory, (n, c).
        given: the slow mode M in units of x, (n,); None unless the network has `slow_mode`.
        scale: unit of the field, φ = scale · x, for networks that know the theory.
    """

    spectrum: Tensor
    couplings: Tensor
    given: Tensor | None = None
    scale: float = 1.0


class Architecture(Protocol):
    """Public class of a network's file: a frozen dataclass of sizes."""

    def check(self, problem: Problem) -> None:
        """Raise UsageError where such a network cannot serve the theory or the lattice's dimension."""

    def build(self, problem: Problem) -> "Net":
        """Build the network with random weights, drawn from torch's default generator."""


class Network(nn.Module, ABC):
    """Base of all networks, whatever process they belong to.

    Attributes:
        process: name of the process that noises the fields, euclidean, pairs, links or plaquettes.
    """

    process: ClassVar[str]

    @property
    def dtype(self) -> torch.dtype:
        """Precision in which the network computes."""
        return next((p.dtype for p in self.parameters()), torch.float64)


class Net(Network):
    """Base of networks of real fields.

    Attributes:
        slow_mode: the magnetisation M is drawn first; y then holds the other modes only, and so must D.
    """

    process: ClassVar[str] = "euclidean"
    slow_mode: ClassVar[bool] = False

    @abstractmethod
    def forward(self, y: Tensor, level: Tensor, context: Context) -> Tensor:
        """Denoise y (n, *extents) at the levels (n,): D, (n, *extents)."""
