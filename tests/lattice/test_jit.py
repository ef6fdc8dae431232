"""The kernels' cache finds a folder wherever sqcli runs, and never one that somebody else can write."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import zarr

from sqcli.lattice import _kernel_cache

ROOT = Path(_kernel_cache.__file__).parents[2]


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


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("phi", "--theory phi4 --lattice 16x16 -p kappa=0.21 -p lambda=0.022 --algorithm hmc --draws 20 --warmup 100"),
        pytest.param(
            "u",
            "--theory sun -p n=3 -p beta=5.5 --lattice 2x3x2 --algorithm hmc --draws 10 --warmup 20",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "u",
            "--theory sun -p n=3 -p beta=5.5 --lattice 2x3x2 --algorithm composite "
            "-a updates=heatbath,overrelaxation:3,metropolis:2 --draws 20 --warmup 20",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_run_that_compiles_draws_what_later_runs_draw(field, options, tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    drawn = []
    for name in ("first", "second"):
        command = [sys.executable, "-m", "sqcli", "generate", str(tmp_path / name), *options.split(), "--seed", "1"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        drawn.append(zarr.open_group(tmp_path / name, mode="r")[f"configurations/{field}"][:])
    np.testing.assert_array_equal(*drawn)


def test_the_stamp_follows_the_kernels_in_every_folder_below(tmp_path, monkeypatch):
    names = ["lattice/halo.py", "lattice/hartley/_steps.py", "theories/u1.py", "mcmc/hmc.py"]
    others = ["runs/generate.py", "diffusion/nets/unet.py", "lattice/hartley/notes.txt"]
    for name in (*names, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(_kernel_cache, "PACKAGE", tmp_path)
    seen = {_kernel_cache.choose()}
    for name in names:
        (tmp_path / name).write_text("x = 1.0\n")
        seen.add(_kernel_cache.choose())
    assert len(seen) == 1 + len(names)
    for name in others:
        (tmp_path / name).write_text("x = 1.0\n")
    assert _kernel_cache.choose() in seen


def test_all_kernels_lie_in_the_folders_that_the_stamp_covers():
    files = [path for path in (ROOT / "sqcli").rglob("*.py") if "import numba" in (text := path.read_text())
             or "sqcli.lattice.jit" in text]  # fmt: skip
    covered = [[path for path in files if path.is_relative_to(ROOT / "sqcli" / folder)]
               for folder in _kernel_cache.KERNEL_FOLDERS]  # fmt: skip
    assert all(covered)
    assert sorted(path for group in covered for path in group) == sorted(files)


def test_another_compiler_is_one_line():
    code = "import sys, sqcli.lattice.jit; sys.modules['numba.extending'] = None; from sqcli.cli import main; main()"
    options = "generate /nowhere/e --theory free --lattice 4 -p mass2=1 --algorithm fahmc --draws 1"
    done = subprocess.run([sys.executable, "-c", code, *options.split()], capture_output=True, text=True)
    assert done.returncode == 1
    assert "vectors use numba's compiler as it is from 0.60 to 0.68" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "numba>=0.60,<0.69" in needed
