"""What the workers of a run say about how far they are; the caller's thread reads it and reports."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqcli.mcmc import Trace
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.spec import EnsembleSpec


@dataclass
class Board:
    """Counts over all groups of this process.

    Attributes:
        name: of the ensemble.
        spec: what is counted.
        target: draws wanted of each chain.
        groups: group -> chains, warm-up updates, committed draws.
        paced_from: the moment from which `updates` counts for the pace: kernels are compiled before.
    """

    name: str
    spec: EnsembleSpec
    target: int
    groups: dict[int, tuple[int, int, int]]
    paced_from: float | None = None
    updates: int = 0
    accepted: float = 0.0
    judged: int = 0
    failure: BaseException | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def advanced(self, group: int, chains: int, warmup: int, draws: int, updates: int) -> None:
        """A group has got further by `updates`, summed over its chains."""
        with self.lock:
            self.groups[group] = (chains, warmup, draws)
            if self.paced_from is not None:
                self.updates += updates
            elif updates:
                self.paced_from = time.monotonic()

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
        spec, elapsed = self.spec, time.monotonic() - (self.paced_from or 0.0)
        draws = min(draws for _, _, draws in groups)
        return Progress(
            name=self.name,
            done=sum(chains * (warmup + draws * spec.every) for chains, warmup, draws in groups),
            total=sum(chains * (spec.warmup + max(self.target, draws) * spec.every) for chains, _, draws in groups),
            draws=draws,
            target=self.target,
            held=sum(chains * draws for chains, _, draws in groups),
            chains=sum(chains for chains, _, _ in groups),
            acceptance=acceptance,
            rate=updates / elapsed if updates and elapsed > 0 else 0.0,
            phase="draws" if all(warmup >= spec.warmup for _, warmup, _ in groups) else "warm-up",
        )
