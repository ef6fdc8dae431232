"""Signals mean "commit and stop" in every command, from its first moment to its last: exit code 75 and one line."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sqcli import registry
from sqcli.cli._group import COMMANDS
from sqcli.stopping import STOPPING, polling

EXAMPLE = Path(__file__).parents[2] / "ensembles" / "example"
LONG = "generate {new} --theory phi4 --lattice 4x4 -p kappa=0.2 -p lambda=0.02 --algorithm hmc --draws 20000000"
LINES = {
    "autocorr": "autocorr {ens} --obs action",
    "check": "check {ens}",
    "compare": "compare {new}",
    "export": "export {ens} {new}",
    "generate": LONG,
    "import": "import {ens} {new} --theory free -p mass2=1",
    "list": "list theories",
    "measure": "measure {ens} --obs chi2",
    "plot": "plot {ens} --out {new}.png",
    "run": "run quickstart --out {new}",
    "sample": "sample {ens} {new} --method path --draws 10",
    "show": "show {ens}",
    "train": "train {ens} --out {new} --epochs 1",
    "verify": "verify {ens}",
}


def started(line, tmp_path, *before):
    """The process of a command line."""
    arguments = line.format(ens=EXAMPLE, new=tmp_path / "new").split()
    whole = [*before, sys.executable, "-m", "sqcli", *arguments]
    return subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def await_handler(process, number):
    """Wait for the moment at which the process heeds the signal; before, it is Python that starts."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
        if caught >> (number - 1) & 1:
            return
        time.sleep(0.0005)


def stopped(process, number):
    """What the process says when it is stopped now; it ended with 75."""
    process.send_signal(number)
    err = process.communicate(timeout=30)[1]
    assert process.returncode == 75, err
    assert "Traceback" not in err
    assert err.startswith("sqcli: ")
    return err.splitlines()


def test_every_command_is_tried():
    assert set(LINES) == set(registry.names(COMMANDS))


@pytest.mark.parametrize("number", [number for number in STOPPING if number != signal.SIGINT])
@pytest.mark.parametrize("line", [LINES["generate"], LINES["measure"]])
def test_every_signal_counts_from_the_first_moment(line, number, tmp_path):
    process = started(line, tmp_path)
    await_handler(process, number)
    assert len(stopped(process, number)) == 1


@pytest.mark.parametrize("command", LINES)
def test_every_command_stops_at_its_first_moment(command, tmp_path):
    process = started(LINES[command], tmp_path)
    await_handler(process, signal.SIGTERM)
    assert stopped(process, signal.SIGTERM) == ["sqcli: stopped by SIGTERM; run the same command again"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", STOPPING)
@pytest.mark.parametrize("command", LINES)
def test_every_command_stops_at_any_moment(command, number, tmp_path):
    for delay in (0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 4.0):
        process = started(LINES[command], tmp_path)
        await_handler(process, signal.SIGTERM)
        time.sleep(delay)
        if process.poll() is not None:
            process.communicate()
            return
        process.send_signal(number)
        err = process.communicate(timeout=30)[1]
        assert process.returncode in (75, 0, 1, 2), (delay, err)  # it may have come to its end
        assert "Traceback" not in err


@pytest.mark.parametrize("number", STOPPING)
def test_a_run_commits_and_stops(number, tmp_path):
    process = started(LONG, tmp_path)
    while not (tmp_path / "new" / "checkpoint" / "record" / "c.0.0").exists():
        assert process.poll() is None
        time.sleep(0.02)
    assert stopped(process, number)[-1].endswith("committed; run again to go on")


def test_a_hangup_that_nohup_ignores_stays_ignored(tmp_path):
    process = started(LONG, tmp_path, "nohup")
    await_handler(process, signal.SIGTERM)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.1)
    assert process.poll() is None
    assert "SIGTERM" in stopped(process, signal.SIGTERM)[0]


def python(text):
    """Exit code and output of a program that has installed the handlers."""
    head = "import hashlib, os, signal, threading, time\nfrom sqcli import stopping\nstopping.install()\n"
    done = subprocess.run([sys.executable, "-c", head + text], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_a_second_interrupt_ends_the_process_at_once():
    text = (
        "with stopping.polling(threading.Event()) as stop:\n"
        "    os.kill(os.getpid(), signal.SIGTERM); os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('on', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('not reached', flush=True)\n"
    )
    assert python(text) == (75, "on\n")


def test_a_signal_during_an_import_ends_the_process_without_an_exception(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import os, signal\n"
        "try:\n    os.kill(os.getpid(), signal.SIGHUP)\n"
        "except KeyboardInterrupt:\n    print('raised', flush=True)\n"
    )
    head = f"stopping.guard(True); import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    assert python(head + "import slow") == (75, "")
    plain = (tmp_path / "slow.py").read_text()
    assert python("stopping.guard(True)\n" + plain) == (0, "raised\n")


def test_a_main_thread_deep_in_compiled_code_does_not_keep_the_process():
    text = (
        "stopping.guard(True); stopping.PATIENCE = 0.5\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)\n"
    )
    assert python(text) == (75, "")


def test_a_run_that_begins_after_the_signal_stops_at_once():
    text = (
        "stop, later = threading.Event(), threading.Event()\n"
        "with stopping.polling(stop):\n"
        "    os.kill(os.getpid(), signal.SIGUSR2)\n"
        "    print(stop.is_set())\n"
        "with stopping.polling(later):\n"
        "    print(later.is_set(), stopping.reason())\n"
    )
    assert python(text) == (0, "True\nTrue stopped by SIGUSR2; run the same command again\n")


def test_a_time_limit_is_heeded_in_any_phase():
    soon = "stop = threading.Event()\nstopping.START = 0; stopping.PATIENCE = 0.2; stopping.alarm(0.2)\n"
    assert python(f"{soon}hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)\n") == (75, "")
    text = soon
    text += "with stopping.polling(stop):\n    while not stop.is_set(): time.sleep(0.01)\nprint(stopping.reason())\n"
    assert python(text) == (0, "stopped by the time limit; run the same command again\n")


def test_a_program_without_its_packages_says_so(tmp_path):
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, "-m", "sqcli", "list", "nets"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (process.returncode, process.stdout) == (1, "")
    assert (
        process.stderr
        == f"sqcli: the package typer is missing here; install it: {sys.executable} -m pip install typer\n"
    )


def test_without_handlers_nothing_is_set():
    stop = threading.Event()
    with polling(stop):
        assert not stop.is_set()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
