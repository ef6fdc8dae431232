"""Timing of the rows of a comparison: whole calls of `generate` and `sample`, writing included.

The clock runs after a warm start, in calls that extend one ensemble, each longer than the one before, until one lasts
about as long as was asked for; that one counts.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqcli.runs.execution.progress import Progress
from sqcli.runs.generation.request import Request
from sqcli.runs.sampling.request import SampleRequest

Run = Callable[[Any, threading.Event, Callable[[Progress], None]], None]
REHEARSAL = 64  # updates of the warm-up in a call that only compiles
GROWTH = 16  # of a call against the one before, at most
ENOUGH = 0.5  # share of the wanted seconds with which a call counts


@dataclass(frozen=True)
class Entrant:
    """Row of the comparison.

    Attributes:
        name: algorithm or sampler.
        run: `generate` or `sample`.
        request: options of the run, but path and draws.
        chains: number of chains of the ensemble.
        unit: draws per chain that make sense at once: a population, a tile for every worker.
        most: draws per chain at most.
        rehearsed: whether a call in an ensemble of its own compiles the kernels before the first timed one.
    """

    name: str
    run: Run
    request: Request | SampleRequest
    chains: int
    unit: int
    most: int
    rehearsed: bool

    def advance(self, path: Path, draws: int, stop: threading.Event) -> float:
        """Extend to `draws` draws of each chain; returns the seconds that it took."""
        own = threading.Event()  # a run that fails sets it

        def watch(_: Progress) -> None:
            if stop.is_set():
                own.set()

        began = time.perf_counter()
        self.run(replace(self.request, path=path, draws=draws), own, watch)
        return time.perf_counter() - began

    def rehearse(self, path: Path, stop: threading.Event) -> None:
        """Compile the kernels by a short run in an ensemble of its own."""
        warmup = min(self.request.warmup or 0, REHEARSAL)
        replace(self, request=replace(self.request, warmup=warmup)).advance(path, self.unit, stop)


@dataclass(frozen=True)
class Timing:
    """Draws of all chains made in `seconds`, and the seconds of the first call beyond its draws (warm-up): `setup`."""

    draws: int
    seconds: float
    setup: float

    @property
    def rate(self) -> float:
        """Draws per second."""
        return self.draws / self.seconds


def timed(entrant: Entrant, path: Path, aside: Path, seconds: float, stop: threading.Event) -> Timing:
    """Make the ensemble at `path` in calls up to one of about `seconds`; `aside` is where to rehearse.

    Raises:
        SqcliError: from the run.
        Stopped: `stop` was set.
    """
    if entrant.rehearsed:
        entrant.rehearse(aside, stop)
    first = took = entrant.advance(path, entrant.unit, stop)
    done = count = entrant.unit
    while done == entrant.unit or (took < ENOUGH * seconds and entrant.most - done >= count):
        count = _next(entrant, done, count, seconds / took)
        took = entrant.advance(path, done + count, stop)
        done += count
    return Timing(count * entrant.chains, took, max(0.0, first - entrant.unit * took / count))


def _next(entrant: Entrant, done: int, count: int, growth: float) -> int:
    """Draws of the next call, in whole units."""
    wanted = min(int(count * min(growth, GROWTH)), entrant.most - done)
    return max(1, wanted // entrant.unit) * entrant.unit
