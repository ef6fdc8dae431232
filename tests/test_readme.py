"""What README.md says works: its shell lines and Python blocks run on a copy of the example; CI does what it says."""

import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from sqcli import open_ensemble, store

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)([^\n]*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(language, mark=""):
    return [text for name, note, text in BLOCKS if (name, note.strip()) == (language, mark)]


def environment():
    scripts = str(Path(sys.executable).parent)
    return os.environ | {"PATH": os.pathsep.join([scripts, os.environ["PATH"]]), "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with what the README's reader has: the example and the recipes."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "ensembles" / "example", folder / "ensembles" / "example")
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    return folder


def execute(command, place):
    done = subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command} exits {done.returncode}: {done.stderr}"
    return done


@pytest.fixture(scope="module")
def followed(place):
    """The directory after all shell lines of the README."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) > 15
    for line in lines:
        execute(["bash", "-c", line], place)
    return place


def test_every_shell_line_runs(followed):
    assert (followed / "overview.png").is_file()
    assert (followed / "first.npz").is_file()


def test_the_python_blocks_run_one_after_another(followed):
    """Without warnings made errors: those of xarray and ArviZ about each other are not ours."""
    program = "\n".join(blocks("python"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=followed, env=environment() | {"PYTHONWARNINGS": ""}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "('chain', 'draw', 'x', 'y')" in done.stdout
    assert "magnetization" in done.stdout


def test_the_continuous_checks_run_the_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = blocks("sh", "test")
    for part in command.strip().split(" && "):
        assert f"\n{part}\n" in script
    (install,) = blocks("sh", "install")
    assert install.split("torch")[0] == command.split("torch")[0]
    assert "set -euo pipefail" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_example_is_finished_whole_and_small():
    path = ROOT / "ensembles" / "example"
    ensemble = open_ensemble(path)
    assert ensemble.finished
    assert not store.check(path)
    packed = [len(zlib.compress(file.read_bytes())) for file in path.rglob("*") if file.is_file()]  # as git does
    assert sum(packed) < 300_000
    assert set(store.observable_names(path)) >= {"magnetization", "field_squared"}


def test_the_command_that_made_the_example_is_the_documented_one():
    text = (ROOT / "ensembles" / "README.md").read_text(encoding="utf-8")
    made = open_ensemble(ROOT / "ensembles" / "example").attrs["provenance"]["command_line"]
    assert " ".join(made) in text
