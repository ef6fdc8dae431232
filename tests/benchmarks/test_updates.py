"""HMC and Wolff updates against the C reference: the same algorithm, sizes and numbers of updates, one thread."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from _ratio import interleaved

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.hmc import HMC
from sqcli.mcmc.wolff import Wolff
from sqcli.theories.phi4 import Phi4

KAPPA = {2: 0.27, 3: 0.1923}
LAMBDA = {2: 0.022, 3: 0.9}


def chain(algorithm: Any, extents: tuple[int, ...], updates: int) -> Callable[[], object]:
    """`updates` updates of a thermalised chain; nothing is kept."""
    dimension = len(extents)
    system, stream = System(Phi4(KAPPA[dimension], LAMBDA[dimension]), Lattice(extents)), Stream(1, 0)
    start = system.theory.manifold.hot(system.lattice, stream)
    state, _ = HMC(0.05, 10).step(system, HMC(0.05, 10).init(system, start, 0), stream, 100, 100, False)
    state = algorithm.init(system, state.field, 0)

    def run() -> None:
        nonlocal state
        state, _ = algorithm.step(system, state, stream, updates, updates, False)

    return run


def report(benchmark: Any, what: str, ours: Callable[[], object], theirs: Callable[[], object], count: float) -> None:
    ratio, mine, other = interleaved(ours, theirs)
    benchmark.extra_info.update(ratio_to_c=ratio, ns=1e9 * mine / count, c_ns=1e9 * other / count)
    print(f"{what}: {1e9 * mine / count:.2f} ns, C {1e9 * other / count:.2f} ns, ratio {ratio:.3f}")  # noqa: T201
    benchmark.pedantic(ours, rounds=3)


@pytest.mark.parametrize(
    ("extents", "step", "n_steps"), [((32, 32), 0.1, 10), ((128, 128), 0.05, 20), ((64,) * 3, 0.05, 10)]
)
def test_hmc(benchmark: Any, reference: Any, extents: tuple[int, ...], step: float, n_steps: int) -> None:
    """Time per site and leapfrog step, the rest of a trajectory included."""
    volume = int(np.prod(extents))
    updates = max(2, 10_000_000 // (volume * n_steps))
    dimension, extent = len(extents), extents[0]
    field, out, seed = np.zeros(volume), np.zeros(3), iter(range(1, 10**9))

    def theirs() -> None:
        kappa, lam = KAPPA[dimension], LAMBDA[dimension]
        address = field.ctypes.data, out.ctypes.data
        reference.hmc_run(address[0], dimension, extent, kappa, lam, n_steps, step, updates, next(seed), address[1])

    report(benchmark, f"HMC {extents}", chain(HMC(step, n_steps), extents, updates), theirs, updates * n_steps * volume)


@pytest.mark.parametrize("extents", [(32, 32), (128, 128), (16, 16, 16), (64,) * 3], ids=str)
def test_wolff(benchmark: Any, reference: Any, extents: tuple[int, ...]) -> None:
    """Time per flipped site, on fields from the same equilibrium."""
    volume, dimension, clusters = int(np.prod(extents)), len(extents), 2000
    system, stream = System(Phi4(KAPPA[dimension], LAMBDA[dimension]), Lattice(extents)), Stream(2, 0)
    mixed = Wolff(0.05, 10, clusters=5)
    start = system.theory.manifold.hot(system.lattice, stream)
    state, _ = mixed.step(system, mixed.init(system, start, 0), stream, 300, 300, False)
    field, stack, flipped, seed = (
        state.field.reshape(-1).copy(),
        np.zeros(volume, np.int32),
        [0, 0.0],
        iter(range(10**9)),
    )
    flips = Wolff(radial_updates=0, clusters=clusters)
    state = flips.init(system, state.field, 0)
    counts = [0, 0]

    def ours() -> None:
        nonlocal state
        state, trace = flips.step(system, state, stream, 1, 1, False)
        flipped[1] += trace.stats["cluster_size"][0] * clusters
        counts[1] += 1

    def theirs() -> None:
        address = field.ctypes.data, stack.ctypes.data
        flipped[0] += reference.wolff_run(
            address[0], dimension, extents[0], KAPPA[dimension], clusters, next(seed), address[1]
        )
        counts[0] += 1

    _, mine, other = interleaved(ours, theirs, rounds=41)
    per_site = mine / (flipped[1] / counts[1]), other / (flipped[0] / counts[0])
    ratio = per_site[0] / per_site[1]
    benchmark.extra_info.update(ratio_to_c=ratio, ns=1e9 * per_site[0], c_ns=1e9 * per_site[1])
    print(f"Wolff {extents}: {1e9 * per_site[0]:.1f} ns, C {1e9 * per_site[1]:.1f} ns, ratio {ratio:.3f}")  # noqa: T201
    benchmark.pedantic(ours, rounds=3)
