"""Thread-safe progress counters: the workers of a run count, the caller's thread reads and reports."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqcli.mcmc import Trace
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.spec import EnsembleSpec


@dataclass
class Board:
    """Progress counters of a run, over all chain groups of this process.

    Attributes:
        name: path of the ensemble.
        spec: run whose progress is counted.
        target: draws wanted of each chain.
        groups: number of chains, updates of warm-up and committed draws, by the number of the group.
        paced_from: moment from which `updates` counts for the pace; kernels are compiled before.
        updates: updates since then, summed over chains.
        accepted: sum of the acceptance rates of all draws seen.
        judged: number of draws that have an acceptance rate.
        failure: first error that a worker met.
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
        """Count `updates` more of a group, summed over its chains, and note its warm-up and committed draws."""
        with self.lock:
            self.groups[group] = (chains, warmup, draws)
            if self.paced_from is not None:
                self.updates += updates
            elif updates:
                self.paced_from = time.monotonic()

    def saw(self, traces: Mapping[int, Trace] | list[Trace]) -> None:
        """Count the acceptances of new draws."""
        for trace in traces if isinstance(traces, list) else traces.values():
            rates = trace.stats.get("acceptance_rate")
            if rates is not None:
                with self.lock:
                    self.accepted += float(rates.sum())
                    self.judged += len(rates)

    def progress(self) -> Progress:
        """Read the progress of the run at this moment."""
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
