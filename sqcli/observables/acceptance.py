"""Acceptance: the accepted fraction of the updates since the draw before."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import EVERY, Observable


@dataclass(frozen=True)
class Acceptance(Observable):
    """Accepted fraction of trajectories or of single proposals, whichever the algorithm records."""

    definition: ClassVar[str] = "accepted fraction of the updates since the draw before"
    needs: ClassVar[tuple[str, ...]] = ("sample_stats/acceptance_rate",)
    on: ClassVar[tuple[str, ...]] = EVERY
    reweighted: ClassVar[bool] = False
