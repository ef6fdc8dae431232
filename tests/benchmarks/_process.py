"""What a command costs as a whole process: wall and CPU time, and memory.

A process inherits the largest size of the one that starts it, so a small interpreter stands in between: this file.
"""

import os
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
    between = [sys.executable, "-I", "-S", __file__, *command]
    done = subprocess.run(between, stdout=subprocess.PIPE, check=True, text=True)
    return Cost(*map(float, done.stdout.split()))


def medians(run: Callable[[], Cost], other: Callable[[], Cost], rounds: int) -> tuple[Cost, Cost]:
    """Two kinds of processes started in turns; of each the one in the middle by its CPU time."""
    turns = [(run(), other()) for _ in range(rounds)]
    ours, theirs = (sorted(costs, key=lambda c: c.cpu) for costs in zip(*turns, strict=True))
    return ours[rounds // 2], theirs[rounds // 2]


def _main() -> int:
    """Run the command line given and write its cost."""
    start = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)  # noqa: T201
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode


if __name__ == "__main__":
    sys.exit(_main())
