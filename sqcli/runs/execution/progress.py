"""Progress of a run, as it tells its caller; printing it is the command's business."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """Progress of a run at one moment.

    Attributes:
        name: path of the ensemble.
        done: updates of all chains together, those of the warm-up included.
        total: updates of all chains together at the end of the run.
        draws: committed draws of the slowest chain.
        target: draws wanted of each chain.
        held: committed draws of all chains together.
        chains: number of chains that this process works on.
        acceptance: mean accepted fraction so far, None where nothing is accepted or rejected.
        rate: updates per second, 0 before any is measured.
        phase: phase of the slowest chain.
    """

    name: str
    done: int
    total: int
    draws: int
    target: int
    held: int
    chains: int
    acceptance: float | None
    rate: float
    phase: Literal["warm-up", "draws"]

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end in seconds; None before a rate is known."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None
