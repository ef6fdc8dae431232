"""What a run tells its caller while it goes on; printing it is the command's business."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """One moment of a run.

    Attributes:
        name: of the ensemble.
        done: updates of all chains together, those of the warm-up included.
        total: the same at the end.
        draws: committed ones of the slowest chain.
        target: wanted ones of each chain.
        held: committed ones of all chains together.
        chains: that this process works on.
        acceptance: mean accepted fraction so far, None where nothing is accepted or rejected.
        rate: updates per second, 0 until there is something to judge it by.
        phase: what the slowest chain is at.
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
