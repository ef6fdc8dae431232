"""Scalar φ⁴ with complex couplings: kernel, identities, and complex Langevin against one variable and free fields."""

import pickle

import numpy as np
import pytest
import torch
from statistical import mean

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.complex_langevin import ComplexLangevin
from sqcli.observables import LatticeTheory
from sqcli.theories import ClusterFlips, GaussianReference, HolomorphicAction, LocalUpdates
from sqcli.theories.complex_double_well import ComplexDoubleWell
from sqcli.theories.phi4 import Phi4

THEORY = Phi4(0.2 + 0.1j, 0.3 - 0.2j)
LATTICES = [(5,), (4, 3), (1, 3), (2, 3, 4), (2, 2, 1, 3)]


def noise(rng, shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def build(kappa, lam):
    return parameters.build(registry.load("theories", "phi4"), {"kappa": kappa, "lambda": lam}, "theory phi4")


def test_complex_couplings_make_another_theory_and_real_ones_do_not():
    real, theory = build("0.2", "0.1"), build("0.2", "0.1+0.3j")
    assert type(real) is Phi4
    assert isinstance(real, LocalUpdates)
    assert not isinstance(real, HolomorphicAction)
    assert [type(value) for value in (real.kappa, real.lam)] == [float, float]
    assert isinstance(theory, HolomorphicAction)
    assert not isinstance(theory, (Phi4, LocalUpdates, ClusterFlips, GaussianReference))
    assert parameters.to_mapping(theory) == {"kappa": 0.2, "lambda": "0.1+0.3j"}
    described = LatticeTheory.of(theory, Lattice((4,)))
    assert described.name == "phi4"
    assert LatticeTheory("phi4", described.parameters, Lattice((4,))).loaded == theory
    for each in (real, theory):
        assert pickle.loads(pickle.dumps(each)) == each


@pytest.mark.parametrize("extents", LATTICES, ids=str)
def test_kernel_is_the_derivative_of_the_action(extents, rng):
    lattice = Lattice(extents)
    z, drift, slope = noise(rng, (1, *extents)), *np.empty((2, lattice.volume), complex)
    THEORY.holomorphic("float64")(z.reshape(-1), lattice.neighbours(), THEORY.couplings(lattice), drift, slope)
    np.testing.assert_allclose(THEORY.drift(z, lattice).reshape(-1), drift, rtol=1e-12)

    def action(k, step):
        moved = z.copy()
        moved.reshape(-1)[k] += step
        return THEORY.action(moved, lattice)[0]

    for k in range(lattice.volume):
        assert drift[k] == pytest.approx(-(action(k, 1e-5) - action(k, -1e-5)) / 2e-5, rel=1e-6, abs=1e-6)
        bend = (action(k, 1e-3) + action(k, -1e-3) - 2 * action(k, 0)) / 1e-6
        assert slope[k] == pytest.approx(-bend, rel=1e-4)
    for function in (THEORY.action, THEORY.drift):
        np.testing.assert_allclose(function(torch.from_numpy(z), lattice).numpy(), function(z, lattice), rtol=1e-12)


@pytest.mark.parametrize("extents", LATTICES, ids=str)
def test_formulas_are_those_of_real_couplings(extents, rng):
    """Complex numbers without imaginary parts; on the real axis the residuals are the real ones."""
    lattice = Lattice(extents)
    real, other, phi = Phi4(0.2, 0.1), Phi4(0.2 + 0j, 0.1), rng.standard_normal((3, *extents))
    np.testing.assert_allclose(other.action(phi.astype(complex), lattice), real.action(phi, lattice), rtol=1e-12)
    found, expected = other.identities(phi.astype(complex), lattice), real.identities(phi, lattice)
    assert set(found) == set(expected)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-9, atol=1e-12)


def moments(theory, extents, seed, chains, scheme="runge-kutta"):
    """Means of z², z⁴ and the action per site of each chain, real and imaginary parts, (chains, 3, 2)."""
    lattice, algorithm = Lattice(extents), ComplexLangevin(0.02, scheme)
    system, found = System(theory, lattice), []
    for chain in range(chains):
        stream = Stream(seed, chain)
        state = algorithm.init(system, theory.manifold.hot(lattice, stream), 0)
        state, _ = algorithm.step(system, state, stream, 500, 500, True)
        z = algorithm.step(system, state, stream, 20_000, 20, False)[1].fields
        found.append([(z**2).mean(), (z**4).mean(), theory.action(z, lattice).mean() / lattice.volume])
    return np.stack([np.real(found), np.imag(found)], axis=-1)


def judged(found, expected, share):
    expected = np.asarray(expected)
    return mean(found, np.stack([expected.real, expected.imag], axis=-1), tolerance=share * abs(expected)[:, None])


@pytest.mark.parametrize("theory", [Phi4(0.2 + 0.1j, 0.3 - 0.1j), Phi4(0.1, 0.5 + 0.2j)], ids=str)
def test_one_site_is_a_double_well(theory, judge):
    """Quadrature of S = (c₂ − 2J) φ² + c₄ φ⁴ on 1 × 1."""
    j, c2, c4 = theory.terms(Lattice((1, 1)))
    well = ComplexDoubleWell(c2 - 2 * j, c4).exact(Lattice((1,)))
    expected = [well["moments", "2"], well["moments", "4"], well["action", None]]
    judge.check(lambda seed, size: judged(moments(theory, (1, 1), seed, 16 * size), expected, 0.005))


def test_free_field(judge):
    """⟨φ²⟩ = (1/V) Σ_k 1/(2 − 4κ Σ_μ cos k_μ) at λ = 0."""
    theory, extents = Phi4(0.15 + 0.1j, 0.0), (3, 4)
    cosines = [np.cos(2 * np.pi * np.arange(n) / n) for n in extents]
    square = (1 / (2 - 4 * theory.kappa * (cosines[0][:, None] + cosines[1]))).mean()
    expected = [square, 3 * square**2, 0.5]
    judge.check(lambda seed, size: judged(moments(theory, extents, seed, 16 * size), expected, 0.01))


@pytest.mark.parametrize("values", [("0.1", "-0.1+1j"), ("0.1", "1j"), ("0.1+1j", "-1"), ("nan", "1j")])
def test_couplings_without_an_integral(values):
    with pytest.raises(UsageError):
        build(*values)


def test_free_fields_without_an_integral():
    with pytest.raises(UsageError, match="unbounded"):
        Phi4(0.3 + 0.1j, 0.0).check(Lattice((4, 4)))
    Phi4(0.2 + 0.5j, 0.0).check(Lattice((4, 4)))
