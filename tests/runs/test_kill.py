"""kill −9 of the command itself, at random instants: readers see committed draws only, and the end is the same."""

import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sqcli import store

COMMANDS = {
    "phi4": "--theory phi4 --lattice 16x16 -p kappa=0.25 -p lambda=0.1 --algorithm hmc -a n_steps=5 --warmup 200 "
    "--every 200",
    "sun": "--theory sun --lattice 2x3x2 -p n=3 -p beta=5 --algorithm composite -a updates=heatbath,overrelaxation:3 "
    "--warmup 200 --every 10",
    "u1": "--theory u1 --lattice 8x8 -p beta=3 --algorithm composite -a updates=heatbath,instanton --warmup 200 "
    "--every 50 --dtype float32",
}
# Commits come every few milliseconds, so that kills meet them in all states.
HASTY = (
    "from sqcli.runs.generation import chain_group; chain_group.PIECE = 0.005; "
    "from sqcli.runs.execution import pending; pending.INTERVAL = 0.01; "
    "from sqcli.cli import main; main()"
)


def start(path, system, chains, *options):
    arguments = [
        *COMMANDS[system].split(),
        "--chains",
        str(chains),
        "--draws",
        "600",
        "--seed",
        "5",
        "--quiet",
        *options,
    ]
    return subprocess.Popen([sys.executable, "-c", HASTY, "generate", str(path), *arguments], stderr=subprocess.PIPE)


def finish(path, system, chains, *options):
    process = start(path, system, chains, *options)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def unbroken(path, system, chains):
    """Fields of a run that is left alone, and the seconds that it takes once everything is compiled."""
    finish(path, system, chains)
    began = time.monotonic()
    finish(path.with_name("again"), system, chains)
    return fields(path), time.monotonic() - began


def fields(path, draws=None):
    ensemble = store.open_ensemble(path)
    return [ensemble.fields(c, 0, n) for c, n in enumerate(ensemble.draws if draws is None else draws)]


def killed_run(path, system, chains, writers, kills, whole, seed):
    """Start one process per writer, kill all after a random time, look, and again; then run to the end.

    `whole` holds the fields of an unbroken run, and the seconds that it took.
    """
    reference, seconds = whole
    clock, killed = random.Random(seed), 0
    bounds = [(chains * i // writers, chains * (i + 1) // writers) for i in range(writers)]
    while killed < kills:
        options = [("--chain-range", f"{a}:{b}") for a, b in bounds] if writers > 1 else [()]
        processes = [start(path, system, chains, "--workers", "1", *option) for option in options]
        time.sleep(clock.uniform(0.2, 0.9) * seconds)
        for process in processes:
            process.send_signal(signal.SIGKILL)
        killed += sum(process.wait() == -signal.SIGKILL for process in processes)
        for process in processes:
            process.stderr.close()
        if not store.is_ensemble(path):
            continue  # killed before it was created
        assert store.check(path) == []
        for seen, expected in zip(fields(path), reference, strict=True):
            np.testing.assert_array_equal(seen, expected[: len(seen)])
        if store.open_ensemble(path).finished:
            if killed:
                break
            shutil.rmtree(path)  # faster than the run that was timed: once more
    finish(path, system, chains)
    for seen, expected in zip(fields(path), reference, strict=True):
        np.testing.assert_array_equal(seen, expected)
    return killed


@pytest.mark.parametrize(
    ("system", "chains", "writers", "kills"), [("phi4", 1, 1, 2), ("phi4", 4, 4, 8), ("sun", 4, 2, 2), ("u1", 4, 2, 2)]
)
def test_killed_runs_end_as_the_unbroken_one(tmp_path, system, chains, writers, kills, seed):
    whole = unbroken(tmp_path / "whole", system, chains)
    assert killed_run(tmp_path / "killed", system, chains, writers, kills, whole, seed) > 0


@pytest.mark.slow
@pytest.mark.parametrize("system", list(COMMANDS))
@pytest.mark.parametrize(("chains", "writers"), [(1, 1), (4, 4)])
def test_many_kills(tmp_path, system, chains, writers, seed):
    whole, kills, round_ = unbroken(tmp_path / "whole", system, chains), 0, 0
    while kills < 60:
        round_ += 1
        kills += killed_run(tmp_path / f"killed{round_}", system, chains, writers, 60 - kills, whole, seed + round_)
