"""Relativistic Bose gas: derivatives, symmetries, the free gas against its inverse matrix, identities."""

import numpy as np
import pytest
import torch

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.observables import LatticeTheory, Observable
from sqcli.theories import ChargedField, HolomorphicAction
from sqcli.theories.bose_gas import BoseGas

GAS = BoseGas(1.1, 0.7, 0.6)
QUENCHED = BoseGas(1.1, 0.7, 0.6, True)
LATTICES = [(4, 4), (3, 2), (1, 3), (2, 1), (3, 2, 4), (2, 3, 1, 3)]


@pytest.fixture(params=LATTICES, ids=str)
def case(request, rng):
    lattice = Lattice(request.param)
    return lattice, noise(rng, (3, 2, *lattice.extents))


def noise(rng, shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def displaced(field, k, step):
    moved = field.copy()
    moved.reshape(-1)[k] += step
    return moved


@pytest.mark.parametrize("theory", [GAS, QUENCHED], ids=["full", "quenched"])
def test_kernel_is_the_derivative_of_the_action(theory, case):
    lattice, fields = case
    assert isinstance(theory, HolomorphicAction)
    z, drift, slope = fields[:1], *np.empty((2, 2 * lattice.volume), complex)
    neighbours, couplings = lattice.neighbours(), theory.couplings(lattice)
    theory.holomorphic("float64")(z.reshape(-1), neighbours, couplings, drift, slope)
    np.testing.assert_allclose(theory.drift(z, lattice).reshape(-1), drift, rtol=1e-12)
    for k in range(2 * lattice.volume):
        h, far = 1e-5 * np.exp(0.3j), 1e-3
        up, down = (theory.action(displaced(z, k, step), lattice)[0] for step in (h, -h))
        assert drift[k] == pytest.approx(-(up - down) / (2 * h), rel=1e-6, abs=1e-6)
        up, here, down = (theory.action(displaced(z, k, step), lattice)[0] for step in (far, 0, -far))
        assert slope[k] == pytest.approx(-(up + down - 2 * here) / far**2, rel=1e-4)
    theory.holomorphic("float64")(np.zeros(2 * lattice.volume, complex), neighbours, couplings, drift, slope)
    np.testing.assert_allclose(-slope, theory.stiffness(lattice), rtol=1e-12)


def test_the_action_is_that_of_the_complex_scalar(case):
    """Written with φ = (φ₁ + iφ₂)/√2, for real φ_a."""
    lattice, fields = case
    phi = (fields.real[:, 0] + 1j * fields.real[:, 1]) / np.sqrt(2)
    expected = (2 * lattice.dimension + 1.1**2) * abs(phi) ** 2 + 0.7 * abs(phi) ** 4
    for axis in range(lattice.dimension):
        ahead, mu = lattice.shift(phi, axis), 0.6 * (axis == lattice.dimension - 1)
        expected = expected - (phi.conj() * np.exp(-mu) * ahead + ahead.conj() * np.exp(mu) * phi)
    np.testing.assert_allclose(GAS.action(fields.real, lattice), lattice.site_sum(expected), rtol=1e-12)


def test_symmetries(case):
    """Translations, reflections in space, rotations of φ, and charge conjugation with μ → −μ or with t → −t."""
    lattice, z = case
    action, density, opposite = GAS.action(z, lattice), GAS.density(z, lattice), BoseGas(1.1, 0.7, -0.6)
    for axis in range(lattice.dimension):
        np.testing.assert_allclose(GAS.action(np.roll(z, 1, axis + 2), lattice), action, rtol=1e-12)
    for axis in range(lattice.dimension - 1):
        np.testing.assert_allclose(GAS.action(np.flip(z, axis + 2), lattice), action, rtol=1e-12)
    turn = np.array([[np.cos(0.7), np.sin(0.7)], [-np.sin(0.7), np.cos(0.7)]])
    np.testing.assert_allclose(GAS.action(np.einsum("ab,nb...->na...", turn, z), lattice), action, rtol=1e-12)
    conjugate = z * np.array([1, -1]).reshape(2, *[1] * lattice.dimension)
    np.testing.assert_allclose(opposite.action(conjugate, lattice), action, rtol=1e-12)
    np.testing.assert_allclose(opposite.density(conjugate, lattice), -density, rtol=1e-12)
    np.testing.assert_allclose(GAS.action(np.flip(conjugate, -1), lattice), action, rtol=1e-12)
    np.testing.assert_allclose(opposite.action(z.conj(), lattice), action.conj(), rtol=1e-12)


@pytest.mark.parametrize("quenched", [False, True])
def test_density_is_a_derivative(quenched, case):
    lattice, z = case
    up, down = (BoseGas(1.1, 0.7, 0.6 + h, quenched).action(z, lattice) for h in (1e-5, -1e-5))
    density = BoseGas(1.1, 0.7, 0.6, quenched).density(z, lattice)
    np.testing.assert_allclose(density, -(up - down) / 2e-5 / lattice.volume, rtol=1e-6)


def test_phase_quenched_action_is_the_real_part(case):
    lattice, fields = case
    np.testing.assert_allclose(QUENCHED.action(fields.real, lattice), GAS.action(fields.real, lattice).real, rtol=1e-12)
    assert not QUENCHED.density(fields.real, lattice).imag.any()


def test_array_functions_take_tensors(case):
    lattice, z = case
    for function in (GAS.action, GAS.drift, GAS.density):
        np.testing.assert_allclose(function(torch.from_numpy(z), lattice).numpy(), function(z, lattice), rtol=1e-12)


def test_identities_are_divergences(case):
    """Residuals of vector fields v: v·∂S − ∂·v, divided by their number or V."""
    lattice, fields = case
    z, found, width = fields[:1], GAS.identities(fields[:1], lattice), 2 * lattice.volume

    def crossed(f):
        return np.stack([f[:, 1], -f[:, 0]], axis=1)

    vectors = {"z_dS": lambda f: f / 2, "z3_dS": lambda f: f * (f**2).sum(1)[:, None]}
    if lattice.extents[-1] > 1:
        vectors["next_dS"] = lambda f: lattice.shift(f, lattice.dimension - 1)
        vectors["turned_dS"] = lambda f: crossed(lattice.shift(f, lattice.dimension - 1))
    assert set(found) == set(vectors)
    for name, vector in vectors.items():
        steps = ((vector(displaced(z, k, 1e-4)) - vector(displaced(z, k, -1e-4))).reshape(-1)[k] for k in range(width))
        expected = -(vector(z) * GAS.drift(z, lattice)).sum() - sum(steps) / 2e-4
        assert found[name][0] == pytest.approx(expected / lattice.volume, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("extents", LATTICES, ids=str)
@pytest.mark.parametrize("mu", [0.0, 0.6, -0.4])
@pytest.mark.parametrize("quenched", [False, True])
def test_free_gas_is_the_inverse_of_its_matrix(extents, mu, quenched):
    """⟨φ_a φ_b⟩ = M⁻¹ of S = ½ φ M φ, M the drift of unit vectors."""
    lattice, theory = Lattice(extents), BoseGas(1.0, 0.0, mu, quenched)
    size = 2 * lattice.volume
    matrix = -theory.drift(np.eye(size, dtype=complex).reshape(size, 2, *extents), lattice).reshape(size, size)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-14)
    covariance, exact = np.linalg.inv(matrix), theory.exact(lattice)
    assert exact["field_squared", None] == pytest.approx(np.trace(covariance) / size, rel=1e-12)
    change = (BoseGas(1.0, 0.0, mu + h, quenched) for h in (1e-6, -1e-6))
    up, down = (-each.drift(np.eye(size, dtype=complex).reshape(size, 2, *extents), lattice) for each in change)
    derivative = (up - down).reshape(size, size) / 2e-6
    density = -np.sum(derivative * covariance) / 2 / lattice.volume
    assert exact["density", None] == pytest.approx(density, rel=1e-7, abs=1e-9)
    assert BoseGas(1.0, 0.1, mu).exact(lattice) == {}


def test_free_gas_moments():
    exact = BoseGas(1.0, 0.0, 0.5).exact(Lattice((4, 4, 4, 4)))
    square = exact["field_squared", None]
    assert exact["moments", "4"] == pytest.approx(3 * square**2)
    assert exact["cumulants", "2"] == exact["moments", "2"] == square
    assert exact["cumulants", "4"] == 0


@pytest.mark.parametrize(
    "values",
    [
        {"mass": "1", "lambda": "-1", "mu": "0"},
        {"mass": "1", "lambda": "0", "mu": "1"},
        {"mass": "0", "lambda": "0", "mu": "0"},
        {"mass": "1", "lambda": "1", "mu": "1000"},
        {"mass": "1e200", "lambda": "1", "mu": "0"},
        {"mass": "1", "lambda": "1", "mu": "1+1j"},
        {"mass": "1", "lambda": "1"},
    ],
    ids=str,
)
def test_gases_that_do_not_exist(values):
    with pytest.raises(UsageError):
        parameters.build(registry.load("theories", "bose_gas"), values, "bose_gas")


@pytest.mark.parametrize("extents", [(4,), (2, 2, 2, 2, 2)])
def test_dimensions_that_do_not_exist(extents):
    with pytest.raises(UsageError, match="two to four"):
        GAS.check(Lattice(extents))


def test_planes_of_several_complex_numbers(rng):
    """Real and imaginary part of one component after the other, for the kernels and for tangent vectors."""
    manifold, lattice = ComplexField(count=2), Lattice((3, 2))
    z = noise(rng, (4, 2, 3, 2))
    planes = manifold.planes(z, lattice)
    for row, part in enumerate((z[:, 0].real, z[:, 0].imag, z[:, 1].real, z[:, 1].imag)):
        np.testing.assert_array_equal(planes[:, row], part)
    np.testing.assert_array_equal(manifold.from_planes(planes, lattice), z)
    np.testing.assert_allclose(manifold.move(z, planes), 2 * z)
    assert planes.shape[1:] == manifold.tangent(lattice) == (manifold.components(lattice), 3, 2)
    assert manifold.axes(lattice) == ("component", "x", "y")
    hot, system = manifold.hot(lattice, Stream(1, 0)), System(GAS, lattice)
    assert hot.shape == manifold.cold(lattice).shape == manifold.site(lattice) == (2, 3, 2)
    assert np.unique(hot.real).size == hot.size
    np.testing.assert_array_equal(system.field(system.sites(z[0])), z[0])


def test_observables_of_two_components(rng):
    """Those of one number per site are refused; ⟨φ²⟩ is ⟨φ*φ⟩; the density exists for charged fields alone."""
    lattice = Lattice((3, 2))
    theory, z = LatticeTheory.of(GAS, lattice), noise(rng, (2, 2, 3, 2))
    other = parameters.build(registry.load("theories", "complex_quartic"), {"sigma0": "1", "lambda": "1"}, "")

    def loaded(name) -> Observable:
        return registry.load("observables", name)()

    for name in ("magnetization", "chi2", "binder", "correlator", "correlator_connected", "abs_magnetization"):
        assert not loaded(name).fits("z", theory)
    for name in ("density", "action", "moments", "cumulants", "field_squared"):
        assert loaded(name).fits("z", theory)
    assert not loaded("density").fits("z", LatticeTheory.of(other, Lattice((1,))))
    assert not loaded("density").fits("phi", theory)
    assert loaded("magnetization").fits("z", LatticeTheory.of(other, Lattice((1,))))
    assert isinstance(GAS, ChargedField)
    np.testing.assert_allclose(loaded("field_squared").series(z, theory), (z**2).sum((1, 2, 3)) / 12, rtol=1e-12)
    np.testing.assert_allclose(loaded("density").series(z, theory), GAS.density(z, lattice))
