"""Workers: as many threads as the system lets start."""

import os
import subprocess
import sys
import threading

import pytest

from sqcli.runs.execution import workers as execution


def run(tasks, workers):
    class Board:
        failure = None

    execution.run_all(tasks, workers, threading.Event(), Board(), lambda: None)


class Meagre(threading.Thread):
    """A thread of a system that has only so many left."""

    left = 0

    def start(self):
        if not Meagre.left:
            raise RuntimeError("can't start new thread")
        Meagre.left -= 1
        super().start()


@pytest.mark.parametrize("left", [1, 2, 4])
def test_fewer_threads_do_all_the_work(left, monkeypatch):
    monkeypatch.setattr(threading, "Thread", Meagre)
    monkeypatch.setattr(Meagre, "left", left)
    done = []
    run([lambda number=number: done.append(number) for number in range(9)], 4)
    assert sorted(done) == list(range(9))


def test_no_thread_at_all_is_an_error(monkeypatch):
    monkeypatch.setattr(threading, "Thread", Meagre)
    monkeypatch.setattr(Meagre, "left", 0)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        run([lambda: None], 4)


def test_cores_where_the_system_knows_no_affinity(monkeypatch):
    """As on macOS: all cores of the machine, unless the batch system gives fewer."""
    for name in ("SLURM_CPUS_PER_TASK", "PBS_NCPUS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(execution, "_quota", list)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert execution.available_cores() == 6
    monkeypatch.setenv("PBS_NCPUS", "4")
    assert execution.available_cores() == 4
    monkeypatch.delenv("PBS_NCPUS")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert execution.available_cores() == 1


ONLY_LINUX = """
import os, resource, select, signal
for module, names in {
    os: ["sched_getaffinity", "sched_setaffinity", "posix_fadvise", "posix_fallocate", "memfd_create", "getrandom",
         "copy_file_range", "splice", "pidfd_open", "O_DIRECT", "O_TMPFILE", "getresuid"],
    resource: ["prlimit"], select: ["epoll"], signal: ["SIGPWR", "SIGRTMIN", "SIGRTMAX", "SIGSTKFLT", "sigtimedwait"],
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
import sqcli.cli, sqcli.runs.generate, sqcli.analysis.measure
from sqcli.cli import main
main()
"""


def test_the_program_needs_nothing_that_only_linux_has():
    done = subprocess.run([sys.executable, "-c", ONLY_LINUX, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout[:6]) == (0, "sqcli ")
