"""Interface of training objectives: a loss per configuration, and perhaps more to learn than the network's weights."""

from typing import Any, Protocol, runtime_checkable

from torch import Generator, Tensor, nn

from sqcli.diffusion.process.protocol import Process, Statistics


class Objective(Protocol):
    """Public class of an objective's file: a frozen dataclass of parameters."""

    def loss(self, process: Process, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Compute the loss of each configuration, (n,).

        Args:
            process: the process whose network is trained.
            x0: configurations in units of the scale, (n, *site), double precision.
            generator: source of every random number, on the device of x0.
            extra: the further parameters that `Extended.extra` built.
        """


@runtime_checkable
class Extended(Protocol):
    """An objective that trains parameters beside the network's, which end in the model's statistics."""

    def extra(self, process: Process) -> nn.Module | None:
        """Build the further parameters; they are trained, averaged and checkpointed along with the network's."""

    def finish(self, extra: nn.Module, statistics: Any) -> Statistics:
        """Put what was learnt into the statistics of a training ensemble."""
