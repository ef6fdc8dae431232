"""Complex Langevin of one variable against a plain loop in C: steps of Euler and Maruyama, one thread."""

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _ratio import interleaved

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.complex_langevin import ComplexLangevin
from sqcli.theories.complex_quartic import ComplexQuartic

SOURCE = Path(__file__).with_name("complex_langevin.c")
THEORY = ComplexQuartic(1 + 1j, 1 + 0j)
STEP, UPDATES = 0.01, 200_000


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """`complex_langevin.c`, compiled here."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    built = tmp_path_factory.mktemp("c") / "libcle.so"
    subprocess.run(
        [compiler, "-O3", "-march=native", "-shared", "-fPIC", str(SOURCE), "-o", str(built), "-lm"], check=True
    )
    found = ctypes.CDLL(str(built))
    address = ctypes.c_void_p
    found.cle_run.argtypes = [address, address, ctypes.c_double, ctypes.c_long, ctypes.c_uint64, address]
    found.cle_run.restype = None
    return found


class Loop:
    """Chain of the C loop."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.run, self.seed = library.cle_run, 0
        self.z, self.sums = np.array([0.3, 0.0]), np.zeros(2)
        self.couplings = THEORY.couplings(Lattice((1,)))

    def __call__(self, updates: int = UPDATES) -> complex:
        """Go on by `updates` steps, and compute their mean of z²."""
        self.seed += 1
        addresses = self.z.ctypes.data, self.couplings.ctypes.data
        self.run(*addresses, STEP, updates, self.seed, self.sums.ctypes.data)
        return complex(*self.sums) / updates


def test_the_loop_samples_the_same_process(library: ctypes.CDLL) -> None:
    loop = Loop(library)
    means = np.array([loop() for _ in range(50)])
    assert abs(means.mean() - THEORY.exact(Lattice((1,)))["moments", "2"]) < 0.02


@pytest.mark.parametrize("scheme", ["euler", "half-implicit", "adaptive", "runge-kutta"])
def test_updates_against_c(benchmark: Any, library: ctypes.CDLL, scheme: str) -> None:
    """Time per update; nothing is kept. The loop is that of Euler and Maruyama, whatever our scheme."""
    system, stream, theirs = System(THEORY, Lattice((1,))), Stream(1, 0), Loop(library)
    algorithm = ComplexLangevin(STEP, scheme)  # type: ignore[arg-type]
    state = algorithm.init(system, np.full(1, 0.3, complex), 0)

    def ours() -> None:
        nonlocal state
        state, _ = algorithm.step(system, state, stream, UPDATES, UPDATES, False)

    ratio, mine, other = interleaved(ours, theirs)
    ns, c_ns = 1e9 * mine / UPDATES, 1e9 * other / UPDATES
    benchmark.extra_info.update(ratio_to_c=ratio, ns=ns, c_ns=c_ns, updates_a_minute_on_two_cores=120e9 / ns)
    print(f"{scheme}: {ns:.1f} ns, C {c_ns:.1f} ns, ratio {ratio:.2f}, {120 / ns:.2f}e9 a minute")  # noqa: T201
    benchmark.pedantic(ours, rounds=3)
