"""kill −9 of every command that writes, at random instants: what is there is sound, and running again ends as unbroken.

`tests/runs/test_kill.py` kills `generate` in the middle of its commits; here each command is killed anywhere, from the
first millisecond on, and run again until it ends.
"""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sqcli import store
from sqcli.cli._main import run

PREPARE = (
    "generate {w}/data --theory phi4 --lattice 8x8 -p kappa=0.21 -p lambda=0.022 --algorithm hmc -a n_steps=5 "
    "--chains 4 --draws 200 --warmup 50 --seed 1",
    "train {w}/data --out {w}/trained --epochs 1 --seed 2 -a channels=4 -a blocks=1 --device cpu",
)
RECIPE = """name: killed
description: A recipe that is killed.
source: this test
defaults:
  {theory: phi4, lattice: 8x8, parameters: {kappa: 0.21, lambda: 0.022}, chains: 2, draws: 300, warmup: 50, seed: 1}
steps:
  - {generate: one, algorithm: hmc, every: 40}
  - {generate: two, algorithm: metropolis, every: 40}
table:
  - {of: one, observable: chi2}
  - {of: two, observable: action}
plots:
  - {plot: picture, kind: history, of: [one, two], observable: action}
"""
COMMANDS = {
    "generate": "generate {o} --theory phi4 --lattice 8x8 -p kappa=0.25 -p lambda=0.1 --algorithm hmc -a n_steps=5 "
    "--chains 4 --draws 200 --warmup 200 --every 100 --seed 5",
    "train": "train {w}/data --out {o} --epochs 12 --seed 3 -a channels=4 -a blocks=1 --device cpu "
    "--checkpoint-every 0",
    "sample": "sample {w}/trained {o} --method path -a n_steps=4 --accept independence --draws 2000 --seed 4 "
    "--device cpu --workers 2",
    "measure": "measure {o} --obs chi2 --obs power_spectrum --obs correlator --obs moments",
    "run": "run {w}/recipe.yaml --out {o}",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    for line in PREPARE:
        assert run([*line.format(w=folder).split(), "--quiet"]) == 0
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


def start(command, prepared, out):
    words = COMMANDS[command].format(w=prepared, o=out).split()
    return subprocess.Popen(
        [sys.executable, "-m", "sqcli", *words, "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def fresh(command, prepared, out):
    """What the command starts from: nothing, but an ensemble for `measure`."""
    if command == "measure":
        line = "generate {o} --theory phi4 --lattice 16x16 -p kappa=0.21 -p lambda=0.022 --algorithm metropolis "
        assert run([*(line + "--chains 4 --draws 4000 --warmup 10 --seed 1").format(o=out).split(), "--quiet"]) == 0


def finish(command, prepared, out):
    process = start(command, prepared, out)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def contents(command, out):
    """All that the command makes, as far as it is numbers."""
    if command == "train":
        return {"weights": (out / "weights.safetensors").read_bytes()}
    if command == "run":
        return {"table": (out / "table.json").read_bytes()} | {
            name: contents("generate", out / "ensembles" / name) for name in ("one", "two")
        }
    ensemble = store.open_ensemble(out)
    found = {"fields": np.stack([ensemble.fields(c) for c in range(ensemble.chains)]).tobytes()}
    found |= {name: np.stack(ensemble.stat(name)).tobytes() for name in ensemble.stat_names}
    series = {name: store.read_observable(out, name) for name in store.observable_names(out)}
    return found | {name: np.stack(kept.values).tobytes() for name, kept in series.items()}


def require_sound(command, out):
    """What a reader sees at any time."""
    for path in [out, *out.glob("ensembles/*")] if out.is_dir() else []:
        if store.is_ensemble(path):
            assert store.check(path) == []


def kill(command, prepared, out, clock, seconds):
    """Start it and kill it; whether it was still running."""
    process = start(command, prepared, out)
    time.sleep(clock.uniform(0, seconds))
    process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    process.stdout.close()
    process.stderr.close()
    require_sound(command, out)
    return killed


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_anywhere_it_ends_as_unbroken(command, prepared, tmp_path, seed):
    fresh(command, prepared, tmp_path / "whole")
    finish(command, prepared, tmp_path / "whole")  # compiles what is not compiled yet
    fresh(command, prepared, tmp_path / "again")
    began = time.monotonic()
    finish(command, prepared, tmp_path / "again")
    seconds, expected = time.monotonic() - began, contents(command, tmp_path / "whole")
    assert contents(command, tmp_path / "again") == expected
    clock, kills, turn = random.Random(seed), 0, 0
    while kills < 60:
        turn += 1
        out = tmp_path / str(turn)
        fresh(command, prepared, out)
        for _ in range(6):
            kills += kill(command, prepared, out, clock, 0.8 * seconds)
        finish(command, prepared, out)
        assert contents(command, out) == expected, f"{kills} kills"
