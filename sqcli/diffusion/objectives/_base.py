"""What a training objective is: a loss per configuration, and perhaps more to learn than the network's weights."""

from typing import Protocol, runtime_checkable

from torch import Generator, Tensor, nn

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics


class Objective(Protocol):
    """A frozen dataclass of parameters."""

    def loss(self, denoiser: Denoiser, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Loss of each configuration, (n,).

        Args:
            denoiser: its network is being trained.
            x0: configurations in units of the scale, (n, *extents), float64.
            generator: for every random number, on the device of x0.
            extra: what `Extended.extra` made.
        """


@runtime_checkable
class Extended(Protocol):
    """An objective that trains parameters beside the network's, which end in the model's statistics."""

    def extra(self, denoiser: Denoiser) -> nn.Module | None:
        """The further parameters, trained, averaged and checkpointed along with the network's."""

    def finish(self, extra: nn.Module, statistics: ModeStatistics) -> ModeStatistics:
        """Statistics of a training ensemble with what was learnt."""
