"""The command `sample`: its options, and its model and ensemble end to end in a process that gets killed."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from models import known_model

from sqcli import store

HASTY = "from sqcli.runs.execution import pending; pending.INTERVAL = 0.0; from sqcli.cli import main; main()"
OPTIONS = "--method path -a n_steps=3 -p mass2=0.6 --chains 2 --draws 2000 --seed 5 --device cpu --quiet"
WALK = "--accept independence --interleave hmc:1 -a hmc.n_steps=3"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return known_model(tmp_path_factory.mktemp("model") / "m")


@pytest.fixture
def record(fake):
    """The request that the command makes."""
    calls = []
    fake("sqcli.runs.sample", sample=lambda request, stop, report: calls.append(request))
    return calls


def test_options_become_a_request(sq, record):
    line = "m e --method path -a n_steps=3 -a hmc.n_steps=5 -p kappa=0.2 --lattice 8x8 --chains 2 --draws 9 --seed 3 "
    line += "--accept independence --interleave hmc:2 --interleave wolff --warmup 7 --workers 2 --device cpu "
    line += "--chain-range 0:1 --time-limit 2m --resume"
    assert sq("sample", *line.split()).code == 0
    fields = vars(record[0])
    assert (fields["model"], fields["path"], fields["method"]) == (Path("m"), Path("e"), "path")
    assert fields["method_parameters"] == {"n_steps": "3", "hmc.n_steps": "5"}
    assert (fields["parameters"], fields["lattice"]) == ({"kappa": "0.2"}, (8, 8))
    assert (fields["accept"], fields["interleave"], fields["warmup"]) == ("independence", ("hmc:2", "wolff"), 7)
    assert (fields["chain_range"], fields["time_limit"], fields["resume"]) == ((0, 1), 120.0, True)
    assert fields["command_line"][:2] == ("sqcli", "sample")


def test_options_left_out_mean_as_stored(sq, record):
    assert sq("sample", "m", "e").code == 0
    fields = vars(record[0])
    fixed = ("method", "lattice", "chains", "draws", "accept", "warmup", "seed", "device", "extend")
    assert all(fields[name] is None for name in fixed)
    assert (fields["interleave"], fields["method_parameters"], fields["force"]) == ((), {}, False)


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("m", 2, "OUT"),
        ("m e --accept maybe", 2, "not one of none, independence"),
        ("m e --draws 0", 2, "does not lie between"),
        ("m e --lattice 8x", 2, "--lattice must look like"),
        ("m e -a n_steps", 2, "-a takes NAME=VALUE"),
        ("m e --method path --draws 3", 1, "no such model"),
        ("m e --method path --draws 3 --resume", 1, "no ensemble to go on with"),
    ],
)
def test_errors_are_one_line(sq, tmp_path, monkeypatch, line, code, says):
    monkeypatch.chdir(tmp_path)
    result = sq("sample", *line.split())
    assert result.code == code
    assert says.lower() in result.err.lower() or (code == 2 and "argument" in result.err.lower())
    assert len(result.err.strip().splitlines()) <= 2
    assert not (tmp_path / "e").exists()


def test_help_lists_the_methods(sq):
    result = sq("sample", "--help")
    assert result.code == 0
    assert "path" in result.out
    assert "n_steps" in result.out


def start(model, path, extra):
    arguments = ["sample", str(model), str(path), *OPTIONS.split(), *extra.split()]
    return subprocess.Popen([sys.executable, "-W", "error", "-c", HASTY, *arguments], stderr=subprocess.PIPE)


def finish(model, path, extra):
    process = start(model, path, extra)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def fields(path):
    ensemble = store.open_ensemble(path)
    return [ensemble.fields(chain) for chain in range(ensemble.chains)]


@pytest.mark.parametrize("extra", ["", pytest.param(WALK, marks=pytest.mark.slow)])
def test_killed_runs_end_as_the_unbroken_one(model, tmp_path, extra, seed):
    finish(model, tmp_path / "whole", extra)
    whole, clock, killed = fields(tmp_path / "whole"), random.Random(seed), 0
    for _ in range(20):
        process = start(model, tmp_path / "killed", f"{extra} --workers 2")
        while process.poll() is None and not store.is_ensemble(tmp_path / "killed"):
            time.sleep(0.01)
        time.sleep(clock.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stderr.close()
        assert store.check(tmp_path / "killed") == []
        for seen, expected in zip(fields(tmp_path / "killed"), whole, strict=True):
            np.testing.assert_array_equal(seen, expected[: len(seen)])
        if killed == 3 or store.open_ensemble(tmp_path / "killed").finished:
            break
    finish(model, tmp_path / "killed", extra)
    for seen, expected in zip(fields(tmp_path / "killed"), whole, strict=True):
        np.testing.assert_array_equal(seen, expected)
    assert killed


def test_a_signal_commits_and_says_so(model, tmp_path):
    process = start(model, tmp_path / "e", "--draws 200000")
    while not store.is_ensemble(tmp_path / "e") or not store.open_ensemble(tmp_path / "e").draws.any():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 75
    assert store.check(tmp_path / "e") == []


def test_a_signal_ends_it_in_the_middle_of_a_long_draw_too(model, tmp_path):
    line = f"sample {model} {tmp_path / 'e'} --method sde -a n_steps=100000 --draws 64 --seed 1 --device cpu"
    process = subprocess.Popen([sys.executable, "-m", "sqcli", *line.split()], stderr=subprocess.PIPE, text=True)
    while not store.is_ensemble(tmp_path / "e"):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)  # into the tile
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=15)
    assert process.returncode == 75
    assert told.startswith("sqcli: ")
    assert "run again to go on" in told
