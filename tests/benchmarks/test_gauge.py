"""Forces of gauge fields, sweeps of local updates against forces in C, in one run, one thread; the gradient flow.

Draws by a network of plaquettes are set against trajectories of HMC.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from _gauge import CForce
from _ratio import interleaved

from sqcli.diffusion.nets import Problem
from sqcli.diffusion.nets.plaquette import OnePlaquette
from sqcli.diffusion.plaquettes.fitting import PlaquetteStatistics
from sqcli.diffusion.plaquettes.process import PlaquetteProcess
from sqcli.diffusion.samplers._adjusted import ExactForce
from sqcli.diffusion.samplers._last_phase import CompiledPhase, TensorPhase
from sqcli.diffusion.samplers.path import Path
from sqcli.diffusion.schedules.ve import VarianceExploding
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.halo import pack
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.heatbath import HeatBath
from sqcli.mcmc.hmc import HMC
from sqcli.mcmc.overrelaxation import Overrelaxation
from sqcli.observables import LatticeTheory
from sqcli.observables._field_strength import densities
from sqcli.observables._flow import FlowedLinks
from sqcli.runs.sampling.tiles import Proposals
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1

CASES = [(SUN(3, 6.0), (8,) * 4), (SUN(3, 6.0), (6,) * 4), (SUN(3, 6.0), (4,) * 4), (SUN(2, 2.3), (8,) * 4)]
CASES += [(SUN(2, 2.3), (4,) * 4)]
ANGLES = [(U1(2.0), (extent,) * 2) for extent in (16, 32, 64, 128)]
SWEEPS = 10  # of a call
FORCES = 200_000  # sites of a call of C, about


def start(theory: Any, extents: tuple[int, ...]) -> tuple[System, Any]:
    """A system and a configuration (*site) of it, a few trajectories from a random one."""
    system, stream = System(theory, Lattice(extents)), Stream(1, 0)
    hmc = HMC(0.05, 10)
    first = hmc.init(system, theory.manifold.hot(system.lattice, stream), 0)
    return system, hmc.step(system, first, stream, 10, 10, False)[0].field


def sweeps_of_dynamics(system: System, links: Any) -> Callable[[], object]:
    """SWEEPS sweeps of molecular dynamics: forces, kicks, moves of all links, ghosts."""
    f, a, b, p = system.buffers(4)
    pack(system.sites(links), f, system.geometry)
    flow, ones = system.theory.flow(system.dtype), np.ones(SWEEPS)
    return lambda: flow(f, a, b, p, system.geometry, system.couplings, ones, ones, 1e-4)


def last_kick(system: System, links: Any) -> Callable[[], object]:
    """Forces, a kick, and both energies."""
    f, p = system.buffers(2)
    pack(system.sites(links), f, system.geometry)
    finish, energies = system.theory.finish(system.dtype), np.empty(2)
    return lambda: finish(f, p, system.geometry, system.couplings, 1e-4, energies)


def local_updates(algorithm: Any, system: System, links: Any) -> Callable[[], object]:
    """SWEEPS sweeps of a chain."""
    state, stream = algorithm.init(system, links, 0), Stream(2, 0)

    def run() -> None:
        nonlocal state
        state, _ = algorithm.step(system, state, stream, SWEEPS, SWEEPS, False)

    return run


def report(benchmark: Any, what: str, ours: Callable[[], object], sweeps: int, theirs: CForce, repeats: int) -> None:
    ratio, mine, other = interleaved(ours, theirs)
    count = theirs.links
    ns, c_ns, ratio = 1e9 * mine / sweeps / count, 1e9 * other / repeats / count, ratio * repeats / sweeps
    benchmark.extra_info.update(ratio_to_c=ratio, ns=ns, c_ns=c_ns)
    print(f"{what}: {ns:.2f} ns a link, force in C {c_ns:.2f} ns, ratio {ratio:.3f}")  # noqa: T201
    benchmark.pedantic(ours, rounds=3)


def reference_of(library: Any, links: Any, system: System) -> tuple[CForce, int]:
    repeats = max(1, FORCES // system.lattice.volume)
    return CForce(library, links, system.theory.beta, repeats), repeats


@pytest.mark.parametrize(("theory", "extents"), CASES + ANGLES, ids=str)
def test_dynamics(benchmark: Any, reference: Any, theory: Any, extents: tuple[int, ...]) -> None:
    """A sweep of molecular dynamics, the move of the links included, against forces alone."""
    system, links = start(theory, extents)
    ours = sweeps_of_dynamics(system, links)
    report(benchmark, f"sweep {theory} {extents}", ours, SWEEPS, *reference_of(reference, links, system))


@pytest.mark.parametrize(("theory", "extents"), CASES, ids=str)
def test_last_kick(benchmark: Any, reference: Any, theory: Any, extents: tuple[int, ...]) -> None:
    """Forces and kick with the energies against forces alone."""
    system, links = start(theory, extents)
    ours = last_kick(system, links)
    report(benchmark, f"last kick {theory} {extents}", ours, 1, *reference_of(reference, links, system))


@pytest.mark.parametrize(("theory", "extents"), [CASES[0], CASES[3], ANGLES[1]], ids=str)
@pytest.mark.parametrize("algorithm", [HeatBath(), Overrelaxation()], ids=lambda a: type(a).__name__)
def test_local_updates(benchmark: Any, reference: Any, algorithm: Any, theory: Any, extents: tuple[int, ...]) -> None:
    """Sweeps of heat bath and of overrelaxation, for which C has no counterpart, against forces."""
    system, links = start(theory, extents)
    ours, name = local_updates(algorithm, system, links), type(algorithm).__name__
    report(benchmark, f"{name} {theory} {extents}", ours, SWEEPS, *reference_of(reference, links, system))


def test_gradient_flow(benchmark: Any) -> None:
    """The flow of one SU(3) configuration of 8⁴ to t = 1, and what is measured on it."""
    system, links = start(*CASES[0])
    described = LatticeTheory.of(system.theory, system.lattice)

    def run() -> None:
        flow = FlowedLinks(links, system.theory, system.lattice)
        flow.advance(1.0)
        densities(flow.links[None], described)

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    print(f"gradient flow {CASES[0]} to t = 1: {benchmark.stats.stats.min:.2f} s")  # noqa: T201


def test_draws_of_plaquettes(benchmark: Any) -> None:
    """Weighted draws of U(1) 16² at β = 7 by `path` with an untrained network, against trajectories of HMC."""
    system, links = start(U1(7.0), (16, 16))
    net = OnePlaquette().build(Problem(system.theory, system.lattice, VarianceExploding())).eval()
    process = PlaquetteProcess(net, PlaquetteStatistics.trained_at(7.0), system.theory, system.lattice)
    proposals, tiles = Proposals(process, Path(n_steps=10), 1), itertools.count()
    torch.set_num_threads(1)

    def ours() -> None:
        proposals.tile(0, next(tiles))

    ratio, mine, other = interleaved(ours, local_updates(HMC(0.1, 10), system, links))
    ratio, draw, trajectory = ratio * SWEEPS / proposals.size, 1e3 * mine / proposals.size, 1e3 * other / SWEEPS
    benchmark.extra_info.update(ratio_to_hmc=ratio, ms=draw, hmc_ms=trajectory)
    print(f"path, U(1) 16x16: {draw:.3f} ms a draw, HMC {trajectory:.4f} ms a trajectory, ratio {ratio:.1f}")  # noqa: T201
    benchmark.pedantic(ours, rounds=3)


@pytest.mark.parametrize(("theory", "extents"), [(U1(2.0), (16, 16)), (SUN(2, 2.3), (8, 8)), (SUN(3, 6.0), (4,) * 4)])
def test_adjusted_steps(benchmark: Any, theory: Any, extents: tuple[int, ...]) -> None:
    """Adjusted Langevin steps of 16 chains by compiled kernels, against the same steps by tensors."""
    system, links = start(theory, extents)
    fields, random = torch.from_numpy(np.stack([links] * 16)), torch.Generator().manual_seed(1)
    normal = torch.randn(16, *theory.manifold.tangent(system.lattice), dtype=torch.float64, generator=random)
    uniform, exact = torch.full((16,), 0.5, dtype=torch.float64), ExactForce(theory, system.lattice)
    compiled = CompiledPhase(theory, system.lattice, fields, 1)
    tensors = TensorPhase(exact, exact.at(fields), 1)
    torch.set_num_threads(1)

    def ours() -> None:
        compiled.step(1e-4, normal, uniform)

    ratio, mine, other = interleaved(ours, lambda: tensors.step(1e-4, normal, uniform))
    benchmark.extra_info.update(ratio_to_tensors=ratio, us=1e6 * mine / 16, tensors_us=1e6 * other / 16)
    print(f"{theory.manifold.name} {extents}: {1e6 * mine / 16:.1f} µs a step, by tensors {1e6 * other / 16:.1f}")  # noqa: T201
    benchmark.pedantic(ours, rounds=3)
