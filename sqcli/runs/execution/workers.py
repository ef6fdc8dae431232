"""Workers: threads that own whole chain groups; the kernels release Python's lock.

They are daemons, because a draw of many updates is atomic: when a stop is asked for, a worker gets `GRACE` seconds to
reach its next commit and is then left behind, which is as safe as a kill.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads numba, which counting cores does not need
    from sqcli.runs.execution.board import Board

GRACE = 3.0
POLL = 0.05


def available_cores() -> int:
    """Count the cores this job was given: by the batch system, a container's quota, or the affinity of the process."""
    given = [os.environ.get("SLURM_CPUS_PER_TASK", ""), os.environ.get("PBS_NCPUS", "")]
    cores = [int(text) for text in given if text.isdigit() and int(text) > 0]
    return min([*cores, *_quota(), _usable()])


def _usable() -> int:
    """Count the cores that this process may run on; all of the machine where the system knows no affinity (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> list[int]:
    """Count the whole cores of the container's quota, as a list that is empty where there is none."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:  # noqa: PTH123 - a kernel file
            quota, period = file.read().split()
        return [max(1, int(quota) // int(period))]
    except (OSError, ValueError):
        return []


def run_all(
    tasks: Sequence[Callable[[], None]], workers: int, stop: threading.Event, board: "Board", poll: Callable[[], None]
) -> None:
    """Run the tasks in order on `workers` threads; `poll` is called now and then from the caller's thread.

    Raises:
        Exception: the first that a task raised; the others are stopped and committed first.
    """
    queue = list(reversed(tasks))
    threads = _started([threading.Thread(target=_work, args=(queue, stop, board), daemon=True) for _ in range(workers)])
    stopped_at = None
    while any(thread.is_alive() for thread in threads):
        next(thread for thread in threads if thread.is_alive()).join(POLL)
        poll()
        if stop.is_set():
            stopped_at = stopped_at or time.monotonic()
            if time.monotonic() - stopped_at > GRACE:
                break
    if board.failure is not None:
        raise board.failure


def _started(threads: Sequence[threading.Thread]) -> list[threading.Thread]:
    """Start threads, as many as the system allows, and return them; RuntimeError where it allows none."""
    for number, thread in enumerate(threads):
        try:
            thread.start()
        except RuntimeError:
            if not number:
                raise
            return list(threads[:number])
    return list(threads)


def _work(queue: list[Callable[[], None]], stop: threading.Event, board: "Board") -> None:
    """Carry out tasks of the queue until it is empty or a stop is asked for."""
    while not stop.is_set():
        try:
            task = queue.pop()
        except IndexError:
            return
        try:
            task()
        except BaseException as error:  # handed to the caller's thread, which raises it
            board.failure = board.failure or error
            stop.set()
