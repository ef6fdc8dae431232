"""Interface of training objectives: a loss per configuration, and perhaps more to learn than the network's weights."""

from typing import Protocol, runtime_checkable

from torch import Generator, Tensor, nn

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics


class Objective(Protocol):
    """Public class of an objective's file: a frozen dataclass of parameters."""

    def loss(self, denoiser: Denoiser, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Compute the loss of each configuration, (n,).

        Args:
            denoiser: the denoiser whose network is trained.
            x0: configurations in units of the scale, (n, *extents), float64.
            generator: source of every random number, on the device of x0.
            extra: the further parameters that `Extended.extra` built.
        """


@runtime_checkable
class Extended(Protocol):
    """An objective that trains parameters beside the network's, which end in the model's statistics."""

    def extra(self, denoiser: Denoiser) -> nn.Module | None:
        """Build the further parameters; they are trained, averaged and checkpointed along with the network's."""

    def finish(self, extra: nn.Module, statistics: ModeStatistics) -> ModeStatistics:
        """Put what was learnt into the statistics of a training ensemble."""
