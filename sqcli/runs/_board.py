"""What the workers of a run say about how far they are; the caller's thread reads it and reports."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqcli.mcmc._base import Trace
from sqcli.runs.progress import Progress


class Plan(Protocol):
    """Of a run: what its progress is counted in."""

    @property
    def warmup(self) -> int:
        """Updates of the warm-up."""

    @property
    def every(self) -> int:
        """Updates of a draw."""


@dataclass
class Board:
    """Counts over all groups of this process; `groups` maps a group to (chains, warm-up updates, committed draws)."""

    spec: Plan
    target: int
    groups: dict[int, tuple[int, int, int]]
    started: float = field(default_factory=time.monotonic)
    updates: int = 0
    accepted: float = 0.0
    judged: int = 0
    failure: BaseException | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def advanced(self, group: int, chains: int, warmup: int, draws: int, updates: int) -> None:
        """A group has got further by `updates`, summed over its chains."""
        with self.lock:
            self.groups[group] = (chains, warmup, draws)
            self.updates += updates

    def saw(self, traces: Mapping[int, Trace] | list[Trace]) -> None:
        """Acceptances of new draws."""
        for trace in traces if isinstance(traces, list) else traces.values():
            rates = trace.stats.get("acceptance_rate")
            if rates is not None:
                with self.lock:
                    self.accepted += float(rates.sum())
                    self.judged += len(rates)

    def progress(self) -> Progress:
        """This moment."""
        with self.lock:
            groups, updates = list(self.groups.values()), self.updates
            acceptance = self.accepted / self.judged if self.judged else None
        spec, elapsed = self.spec, time.monotonic() - self.started
        draws = min(draws for _, _, draws in groups)
        return Progress(
            done=sum(chains * (warmup + draws * spec.every) for chains, warmup, draws in groups),
            total=sum(chains * (spec.warmup + max(self.target, draws) * spec.every) for chains, _, draws in groups),
            draws=draws,
            target=self.target,
            chains=sum(chains for chains, _, _ in groups),
            acceptance=acceptance,
            rate=updates / elapsed if elapsed > 0 else 0.0,
            phase="draws" if all(warmup >= spec.warmup for _, warmup, _ in groups) else "warm-up",
        )
