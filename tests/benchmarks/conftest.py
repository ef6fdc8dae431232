"""The C reference, compiled with the machine's own gcc; benchmarks against it are skipped where there is none."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("reference.c")
COMPILE = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fPIC", "-c")


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """`reference.c` as a library with argument types."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc on this machine")
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([gcc, *COMPILE, str(SOURCE), "-o", str(folder / "reference.o")], check=True)
    # Linked without -ffast-math: with it, gcc adds start-up code that flushes denormal numbers of the whole process.
    link = [gcc, "-shared", str(folder / "reference.o"), "-o", str(folder / "libreference.so"), "-lm"]
    subprocess.run(link, check=True)
    library = ctypes.CDLL(str(folder / "libreference.so"))
    declare(library)
    return library


def declare(library: ctypes.CDLL) -> None:
    """Types of the functions; fields are passed as addresses (`array.ctypes.data`)."""
    real, whole, count, seed, address = ctypes.c_double, ctypes.c_int, ctypes.c_long, ctypes.c_uint64, ctypes.c_void_p
    library.hmc_run.argtypes = [address, whole, whole, real, real, whole, real, count, seed, address]
    library.hmc_run.restype = whole
    library.wolff_run.argtypes = [address, whole, whole, real, count, seed, address]
    library.wolff_run.restype = count
    for function in (library.u1_force, library.su2_force, library.su3_force):
        function.argtypes = [address, address, whole, real, whole]
        function.restype = whole
