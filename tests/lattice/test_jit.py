"""The kernels' cache finds a folder wherever sqcli runs."""

import os
import subprocess
import sys

import pytest


def cache_folder(**environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "TMPDIR")}
    code = "import sqcli.lattice.jit, os; print(os.environ['NUMBA_CACHE_DIR'])"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=True).stdout.strip()


def test_cache_of_the_user(tmp_path):
    assert cache_folder(HOME=str(tmp_path)).startswith(str(tmp_path / ".cache" / "sqcli" / "kernels-"))
    assert cache_folder(XDG_CACHE_HOME=str(tmp_path / "x")).startswith(str(tmp_path / "x" / "sqcli" / "kernels-"))


def test_fallback_where_home_cannot_be_written(tmp_path):
    found = cache_folder(HOME="/proc/self/nowhere", TMPDIR=str(tmp_path))
    assert found.startswith(str(tmp_path / f"sqcli-{os.getuid()}" / "kernels-"))


def test_the_user_decides(tmp_path):
    assert cache_folder(NUMBA_CACHE_DIR=str(tmp_path)) == str(tmp_path)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_kernels_are_compiled_once_per_precision(dtype):
    from sqcli.theories import _scalar

    assert _scalar.flow(dtype) is _scalar.flow(dtype)
    assert _scalar.flow("float64") is not _scalar.flow("float32")


def test_generate_runs_without_a_home(tmp_path):
    """Compiles everything anew, in the temporary folder."""
    environment = {"HOME": "/proc/self/nowhere", "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    options = "--theory free --lattice 4 -p mass2=1 --algorithm langevin --draws 2 --warmup 2 --seed 1"
    command = [sys.executable, "-m", "sqcli", "generate", str(tmp_path / "ens"), *options.split()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
