"""Interface of networks of plaquettes: mean and variance of one lifted plaquette given it with noise.

A plaquette on the real line has the density p̃, near N(0, σ²) (`diffusion/plaquettes/lift.py`), and reaches the network
as y = y₀ + s z. The network is a function of one plaquette; the mean must be odd in y and the variance even.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from sqcli.diffusion.nets._base import Network


@dataclass(frozen=True)
class PlaquetteContext:
    """Input of a network of plaquettes beside y and s.

    Attributes:
        beta: inverse coupling.
        width2: σ².
        log_density: the function log p̃, not normalised, of tensors of any shape.
        beta_trained: inverse coupling of the training ensemble that is nearest.
    """

    beta: float
    width2: float
    log_density: Callable[[Tensor], Tensor]
    beta_trained: float


class PlaquetteMoments(NamedTuple):
    """Mean and variance of y₀ given y, of the shape of y."""

    mean: Tensor
    variance: Tensor


class PlaquetteNet(Network):
    """Base of networks of plaquettes."""

    process: ClassVar[str] = "plaquettes"

    @abstractmethod
    def forward(self, y: Tensor, level: Tensor, context: PlaquetteContext) -> PlaquetteMoments:
        """Estimate moments given y (n, m), float64, at the levels (n,)."""
