"""What a run tells its caller while it goes on; printing it is the command's business."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """One moment of a run.

    `done` and `total` count updates of all chains together (warm-up included), `draws` and `target` are
    committed and wanted draws per chain (of the slowest chain), `rate` is updates per second, `acceptance`
    the mean accepted fraction so far, None where nothing is accepted or rejected.
    """

    done: int
    total: int
    draws: int
    target: int
    chains: int
    acceptance: float | None
    rate: float
    phase: Literal["warm-up", "draws"]

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end in seconds; None before a rate is known."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None
