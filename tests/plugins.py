"""sqcli from a copy of the package with files of a test added."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "sqcli"


def program(root, files):
    """A function that runs the copy's command line: its output, of stderr where stdout has none.

    Args:
        root: an empty folder.
        files: path below the package -> text.
    """
    copy = root / "sqcli"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in files.items():
        assert not (copy / name).exists()
        (copy / name).write_text(text, encoding="utf-8")

    def call(*arguments, code=0):
        environment = os.environ | {"PYTHONPATH": str(root), "COLUMNS": "200"}
        command = [sys.executable, "-m", "sqcli", *map(str, arguments)]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stderr
        return done.stdout if done.stdout else done.stderr

    return call
