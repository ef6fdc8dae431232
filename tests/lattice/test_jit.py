"""The kernels' cache finds a folder wherever sqcli runs, and never one that somebody else can write."""

import os
import subprocess
import sys
from pathlib import Path

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
    found = cache_folder(NUMBA_CACHE_DIR=str(tmp_path))
    assert Path(found).parent == tmp_path
    assert cache_folder(NUMBA_CACHE_DIR=found) == found  # as a child process sees it
    assert Path(found).stat().st_mode & 0o077 == 0


def _open_to_all(folder):
    folder.mkdir()
    folder.chmod(0o777)


def _link(folder):
    (folder.parent / "trap").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "trap")


TAKEN = {"open": _open_to_all, "readable": lambda f: f.mkdir(mode=0o750), "link": _link, "file": lambda f: f.touch()}


@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
def test_a_folder_that_somebody_has_taken_is_not_used(tmp_path, take):
    take(tmp_path / f"sqcli-{os.getuid()}")
    found = Path(cache_folder(HOME="/proc/self/nowhere", TMPDIR=str(tmp_path)))
    assert found.parent.parent == tmp_path
    assert found.parent.name.startswith(f"sqcli-{os.getuid()}-")
    assert found.parent.stat().st_mode & 0o077 == 0
    assert Path(cache_folder(HOME="/proc/self/nowhere", TMPDIR=str(tmp_path))) == found  # compiled once, not each time
    assert not (tmp_path / "trap").exists() or not list((tmp_path / "trap").iterdir())


@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
def test_kernels_below_a_folder_of_others_are_not_used(tmp_path, take):
    name = Path(cache_folder(XDG_CACHE_HOME=str(tmp_path / "x"))).name
    (tmp_path / "y" / "sqcli").mkdir(parents=True, mode=0o700)
    take(tmp_path / "y" / "sqcli" / name)
    found = cache_folder(XDG_CACHE_HOME=str(tmp_path / "y"), TMPDIR=str(tmp_path))
    assert found.startswith(str(tmp_path / f"sqcli-{os.getuid()}"))


@pytest.mark.parametrize("named", ["/proc/self/nowhere", "/dev/null"])
def test_a_named_folder_that_cannot_be_used_is_told(tmp_path, named):
    code = "import sqcli.lattice.jit, os; print(os.environ['NUMBA_CACHE_DIR'])"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NUMBA_CACHE_DIR": named}
    environment |= {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path / ".cache"))
    assert f"NUMBA_CACHE_DIR={named} is no folder to be trusted and written" in done.stderr


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
