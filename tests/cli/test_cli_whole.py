"""From the command line to numbers and back: generate, go on, stop, measure, look."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sqcli import store

MODEL = ["--theory", "phi4", "--lattice", "4x2", "-p", "kappa=0.2", "-p", "lambda=0.02", "--algorithm", "hmc"]
SETUP = ["-a", "n_steps=4", "-a", "step_size=auto", "--chains", 2, "--warmup", 20, "--every", 2, "--seed", 7]


@pytest.fixture
def made(sq, tmp_path):
    path = tmp_path / "e"
    result = sq("generate", path, *MODEL, *SETUP, "--draws", 40, "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    return path


def stamps(path):
    return sorted((str(entry), entry.stat().st_mtime_ns) for entry in path.rglob("*"))


def test_a_finished_command_run_again_changes_nothing(sq, made):
    before = stamps(made)
    assert sq("generate", made, *MODEL, *SETUP, "--draws", 40).code == 0
    assert sq("generate", made, "--draws", 10).code == 0
    assert stamps(made) == before


def test_other_numbers_are_refused(sq, made):
    result = sq("generate", made, "-p", "kappa=0.3")
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "0.2" in result.err
    assert "0.3" in result.err


def test_measured_numbers_are_those_of_the_draws(sq, made):
    result = sq("measure", made, "--obs", "magnetization", "--obs", "field_squared", "--format", "json")
    read = json.loads(result.out)
    phi = np.asarray(store.open_ensemble(made)["phi"])
    values = {row["observable"]: row["value"] for row in read["estimates"]}
    assert result.code == 0
    assert (read["chains"], read["draws"], read["lattice"]) == (2, 40, [4, 2])
    assert values["magnetization"] == pytest.approx(phi.mean(), abs=1e-14)
    assert values["field_squared"] == pytest.approx((phi**2).mean(), abs=1e-14)
    assert json.loads(sq("show", made, "--format", "json").out)["observables"]


def test_autocorrelations_and_soundness(sq, made):
    (row,) = json.loads(sq("autocorr", made, "--obs", "action", "--format", "json").out)["estimates"]
    assert {"tau_int", "rho", "rho_error", "window", "rhat", "flags", "tau_int_trajectories"} <= set(row)
    assert sq("check", made).out == f"ok: {made}\n"


def test_unknown_names_are_wrong_usage(sq, made):
    assert sq("measure", made, "--obs", "nonsense").code == 2
    assert sq("generate", made / "x", *MODEL, "-p", "kapa=1", "--draws", 1).code == 2


def test_sigterm_commits_and_the_same_command_goes_on(made, tmp_path):
    path = tmp_path / "long"
    line = [sys.executable, "-m", "sqcli", "generate", path, *MODEL, *SETUP, "--draws", 100_000]
    process = subprocess.Popen([*map(str, line)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while not store.is_ensemble(path):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert err.splitlines()[-1].endswith(("run again to go on", "run the same command again"))  # before its first piece
    assert store.check(path) == []
