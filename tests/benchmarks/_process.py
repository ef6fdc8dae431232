"""What a command costs as a whole process: wall and CPU time, and memory."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

SQCLI = (sys.executable, "-m", "sqcli")
BARE = (sys.executable, "-c", "pass")


class Cost(NamedTuple):
    """Of one process: seconds of wall clock and of CPU (user and system), and its largest size in MiB."""

    wall: float
    cpu: float
    peak: float


def cost(command: Sequence[str]) -> Cost:
    """Run `command` to its end, which must be a good one; what it prints is thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)  # the usage of this child alone
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def medians(run: Callable[[], Cost], other: Callable[[], Cost], rounds: int) -> tuple[Cost, Cost]:
    """Medians, number by number, of two kinds of processes that are started in turns."""
    turns = [(run(), other()) for _ in range(rounds)]
    ours, theirs = zip(*turns, strict=True)
    return Cost(*map(statistics.median, zip(*ours, strict=True))), Cost(
        *map(statistics.median, zip(*theirs, strict=True))
    )
