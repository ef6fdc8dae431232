"""Complex Langevin on lattices: the Bose gas against exact sums, quadrature, HMC of the real model and a dual one."""

import numpy as np
import pytest
from statistical import difference, estimate, mean

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.complex_langevin import ComplexLangevin
from sqcli.theories.bose_gas import BoseGas

SECOND_ORDER = ComplexLangevin(0.02, "runge-kutta", drift_limit=30.0)
SMALL = ComplexLangevin(0.01, "runge-kutta", drift_limit=30.0)


def chain_means(theory, extents, algorithm, seed, chains=16, draws=400, every=25, warmup=400):
    """Means of each chain by name, complex (chains,)."""
    lattice = Lattice(extents)
    system, found = System(theory, lattice), {"square": [], "density": [], "action": [], "residuals": []}
    for chain in range(chains):
        stream = Stream(seed, chain)
        state = algorithm.init(system, theory.manifold.hot(lattice, stream), 0)
        state, _ = algorithm.step(system, state, stream, warmup, warmup, True)
        z = algorithm.step(system, state, stream, draws * every, every, False)[1].fields
        found["square"].append((z**2).mean())
        found["density"].append(theory.density(z, lattice).mean())
        found["action"].append(theory.action(z, lattice).mean() / lattice.volume)
        found["residuals"].append([values.mean() for values in theory.identities(z, lattice).values()])
    return {name: np.array(values) for name, values in found.items()}


def judged(found, expected, share):
    """Real parts against what is expected, within a share of it; imaginary parts against 0."""
    return {
        part + name: mean(getattr(found[name], part), value if part == "real" else 0.0, tolerance=share * abs(value))
        for name, value in expected.items()
        for part in ("real", "imag")
    }


@pytest.mark.parametrize(
    ("algorithm", "share"),
    [
        (ComplexLangevin(0.01, "euler"), 0.05),
        (ComplexLangevin(0.01, "half-implicit"), 0.04),
        (ComplexLangevin(0.01, "adaptive", drift_limit=6.0), 0.05),
        (SECOND_ORDER, 0.01),
        (ComplexLangevin(0.02, "runge-kutta", noise_imag=0.1), 0.01),
        (ComplexLangevin(0.02, "runge-kutta", kernel_angle=0.2), 0.01),
    ],
    ids=str,
)
@pytest.mark.parametrize("extents", [(3, 4), (2, 2, 2, 3)], ids=str)
def test_free_gas(extents, algorithm, share, judge):
    theory = BoseGas(1.2, 0.0, 0.7)
    exact = theory.exact(Lattice(extents))
    expected = {"square": exact["field_squared", None], "density": exact["density", None], "action": 1.0}

    def sample(seed, size):
        return judged(chain_means(theory, extents, algorithm, seed, chains=16 * size), expected, share)

    judge.check(sample)


def two_sites(theory, points=40, reach=3.3):
    """Compute ⟨φ*φ⟩, n and S/V on one times two sites: a sum over three numbers, the fourth turned to 0."""
    lattice, (nodes, weights) = Lattice((1, 2)), np.polynomial.legendre.leggauss(points)
    r, line = (nodes + 1) / 2 * reach, nodes * reach
    grid = np.stack(np.meshgrid(r, line, line, indexing="ij")).reshape(3, -1)
    fields = np.zeros((grid.shape[1], 2, 1, 2))
    fields[:, 0, 0, 0], fields[:, 0, 0, 1], fields[:, 1, 0, 1] = grid
    density = grid[0] * np.einsum("i,j,k->ijk", *[weights] * 3).ravel() * np.exp(-theory.action(fields, lattice))
    values = (fields**2).mean((1, 2, 3)), theory.density(fields, lattice), theory.action(fields, lattice) / 2
    means = [(density @ each / density.sum()).real for each in values]
    return dict(zip(("square", "density", "action"), means, strict=True))


@pytest.mark.parametrize("mu", [0.8, -1.4])
def test_two_interacting_sites(mu, judge):
    theory = BoseGas(1.0, 1.0, mu)
    expected = two_sites(theory)
    assert expected == pytest.approx(two_sites(theory, 50), rel=1e-9)

    def sample(seed, size):
        found = chain_means(theory, (1, 2), SECOND_ORDER, seed, chains=16 * size, draws=4000)
        residuals = mean(found["residuals"].real, np.zeros(4), tolerance=0.01)
        return {**judged(found, expected, 0.005), "residuals": residuals}

    judge.check(sample)


def real_means(theory, lattice, seed, walkers, trajectories=120, steps=16, length=1.0):
    """Means over HMC trajectories of each walker of the real model at μ = 0, the first third left out."""
    rng, h, kept = np.random.default_rng(seed), length / steps, []
    phi = 0.3 * rng.standard_normal((walkers, 2, *lattice.extents))
    for _ in range(trajectories):
        p, moved = rng.standard_normal(phi.shape), phi
        start = (p**2).sum((1, 2, 3)) / 2 + theory.action(phi, lattice).real
        for step in range(steps + 1):
            p = p + h * (0.5 if step in (0, steps) else 1.0) * theory.drift(moved, lattice).real
            moved = moved + h * p * (step < steps)
        end = (p**2).sum((1, 2, 3)) / 2 + theory.action(moved, lattice).real
        accepted = rng.random(walkers) < np.exp(np.minimum(start - end, 0))
        phi = np.where(accepted[:, None, None, None], moved, phi)
        kept.append([(phi**2).mean((1, 2, 3)), theory.action(phi, lattice).real / lattice.volume])
    return np.array(kept)[trajectories // 3 :].mean(axis=0)


def test_without_chemical_potential_it_is_the_real_model(judge):
    """There z stays on the real axis, and HMC draws from the same distribution."""
    theory, lattice = BoseGas(0.8, 1.5, 0.0), Lattice((3, 4))

    def sample(seed, size):
        found = chain_means(theory, lattice.extents, SECOND_ORDER, seed, chains=16 * size)
        assert not found["square"].imag.any()
        assert not found["action"].imag.any()
        square, action = real_means(theory, lattice, seed, 200 * size)
        return {
            "square": difference(mean(found["square"].real), mean(square), tolerance=0.001),
            "action": difference(mean(found["action"].real), mean(action), tolerance=0.003),
        }

    judge.check(sample)


@pytest.mark.parametrize(
    ("extents", "mu", "density", "square"),
    [
        ((4, 4), 0.5, (0.01704, 0.00014), (0.208382, 0.000099)),
        ((4, 4), 1.3, (0.8261, 0.0025), (0.39408, 0.00064)),
        ((4, 4, 4, 4), 0.0, (0.0, 0.0), (0.119309, 0.00004)),
    ],
    ids=str,
)
def test_dual_simulation(extents, mu, density, square, judge):
    """Dual variables of the model with m = λ = 1 have no sign problem; the error of the step is below 0.3 %."""

    def sample(seed, size):
        few = {"draws": 100} if len(extents) == 4 else {"draws": 2000, "every": 50}
        found = chain_means(BoseGas(1.0, 1.0, mu), extents, SMALL, seed, chains=16 * size, **few)
        return {
            "density": difference(mean(found["density"].real), estimate(*density), 0.003 * density[0]),
            "square": difference(mean(found["square"].real), estimate(*square), 0.003 * square[0]),
        }

    judge.check(sample)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pieces_are_the_same_chain(dtype):
    lattice = Lattice((3, 2, 2))
    theory, stream = BoseGas(1.0, 1.0, 0.6), Stream(3, 1)
    system = System(theory, lattice, dtype)
    first = SECOND_ORDER.init(system, theory.manifold.hot(lattice, stream), 0)
    whole, trace = SECOND_ORDER.step(system, first, stream, 30, 10, False)
    part, _ = SECOND_ORDER.step(system, first, stream, 10, 10, False)
    rest, later = SECOND_ORDER.step(system, part, stream, 20, 10, False)
    np.testing.assert_array_equal(whole.field, rest.field)
    np.testing.assert_array_equal(trace.fields[1:], later.fields)
    np.testing.assert_array_equal(trace.stats["drift_max"][1:], later.stats["drift_max"])
