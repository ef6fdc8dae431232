"""`sqcli run`: table on stdout, messages on stderr, exit codes."""

import os
import signal
import subprocess
import sys
import time

import pytest

from sqcli import open_ensemble
from sqcli.errors import SqcliError


def run(path, *arguments, **keywords):
    command = [sys.executable, "-m", "sqcli", "run", str(path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keywords)


def draws(path):
    try:
        return int(open_ensemble(path).draws.min())
    except SqcliError:
        return 0


def test_the_result_goes_to_stdout_and_messages_to_stderr(small, written, tmp_path):
    process = run(written(small), "--set", "steps.a.draws=50", cwd=tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith("quantity")
    assert "[1/2] generating a" in err
    assert (tmp_path / "results" / "small" / "m.png").is_file()
    assert draws(tmp_path / "results" / "small" / "ensembles" / "a") == 50


def test_a_dry_run_prints_the_commands_and_does_nothing(small, written, tmp_path):
    process = run(written(small), "--dry-run", "--out", str(tmp_path / "out"))
    out, _ = process.communicate(timeout=60)
    lines = out.splitlines()
    assert [line.split()[:2] for line in lines] == [["sqcli", "generate"]] * 2
    assert "--lattice 4x4" in lines[0]
    assert "-p mass2=1.0" in lines[0]
    assert not (tmp_path / "out").exists()


def test_another_profile_has_results_of_its_own(small, written):
    small["profiles"] = {"gpu": {"defaults.lattice": "8x8"}}
    process = run(written(small), "--dry-run", "--profile", "gpu")
    out, _ = process.communicate(timeout=60)
    assert "generate results/small-gpu/ensembles/a" in out
    assert "--lattice 8x8" in out


def test_a_malformed_recipe_is_wrong_usage(written):
    process = run(written("name: x"))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.splitlines()[-1].startswith("sqcli: ")
    assert len(err.splitlines()) == 2


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_signal_stops_it_resumably(small, written, tmp_path):
    small["steps"][0]["draws"] = 10**6
    process = run(written(small), "--out", str(tmp_path / "out"))
    ensemble, deadline = tmp_path / "out" / "ensembles" / "a", time.monotonic() + 120
    while draws(ensemble) == 0 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (75, "")
    assert "run again" in err
    assert 0 < draws(ensemble) < 10**6
