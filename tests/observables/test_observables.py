"""Every observable against its formula written out site by site, on random fields of several shapes."""

import itertools
import math

import numpy as np
import pytest

from sqcli import registry
from sqcli.analysis.selection import observable
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory

EXTENTS = [(4, 4), (5, 5), (4, 6), (6, 3), (4, 4, 4), (2, 3, 4), (8,), (2, 2)]
shapes = pytest.mark.parametrize("extents", EXTENTS, ids=lambda e: "x".join(map(str, e)))


def fields(extents, n=3):
    return np.random.default_rng(sum(extents)).normal(0.3, 1.0, (n, *extents))


def lattice_theory(extents, name="free", parameters=None):
    return LatticeTheory(name, parameters or {"mass2": 0.5}, Lattice(extents))


def series(name, phi, parameters=None, theory="free"):
    return observable(name).series(phi, lattice_theory(phi.shape[1:], theory, parameters))


def value(name, phi, *needed):
    """The estimate that the draws `phi` give, as one chain."""
    instance, theory = observable(name), lattice_theory(phi.shape[1:])
    found = [observable(need.partition("/")[2]).series(phi, theory) for need in instance.needs]
    means = np.atleast_2d(instance.primaries(found).T).T.mean(axis=0)
    function = instance.function(theory)
    return means if function is None else np.atleast_1d(function(means))


def sites(extents):
    return itertools.product(*map(range, extents))


@shapes
def test_sums_over_sites(extents):
    phi, volume = fields(extents), math.prod(extents)
    for draw in range(len(phi)):
        values = [phi[(draw, *x)] for x in sites(extents)]
        assert series("magnetization", phi)[draw] == pytest.approx(sum(values) / volume)
        assert series("mean_abs_field", phi)[draw] == pytest.approx(sum(map(abs, values)) / volume)
        assert series("field_squared", phi)[draw] == pytest.approx(sum(v**2 for v in values) / volume)
        for column, n in enumerate((2, 4, 6, 8)):
            assert series("moments", phi)[draw, column] == pytest.approx(sum(v**n for v in values) / volume)


@shapes
def test_action_per_site(extents):
    phi, volume = fields(extents), math.prod(extents)
    total = 0.0
    for x in sites(extents):
        here = phi[(0, *x)]
        ahead = [
            tuple((a + (i == axis)) % n for i, (a, n) in enumerate(zip(x, extents, strict=True)))
            for axis in range(len(x))
        ]
        total += sum((phi[(0, *y)] - here) ** 2 for y in ahead) / 2 + 0.5 * here**2 / 2
    assert series("action", phi)[0] == pytest.approx(total / volume)
    recorded = observable("action").from_statistic(np.array([total]), lattice_theory(extents))
    assert recorded[0] == pytest.approx(total / volume)


@shapes
def test_functions_of_the_magnetization(extents):
    phi, volume = fields(extents, n=7), math.prod(extents)
    m = np.array([phi[draw].sum() / volume for draw in range(7)])
    mean = {n: float(np.mean(m**n)) for n in (1, 2, 4)}
    absolute = float(np.mean(np.abs(m)))
    assert value("abs_magnetization", phi)[0] == pytest.approx(absolute)
    assert value("chi2", phi)[0] == pytest.approx(volume * (mean[2] - mean[1] ** 2))
    assert value("chi2_abs", phi)[0] == pytest.approx(volume * (mean[2] - absolute**2))
    assert value("binder", phi)[0] == pytest.approx(1 - mean[4] / (3 * mean[2] ** 2))


@shapes
def test_correlator_of_time_slices(extents):
    phi, length = fields(extents), extents[-1]
    slices = np.array([[phi[draw, ..., t].mean() for t in range(length)] for draw in range(3)])
    labels = observable("correlator").components(lattice_theory(extents))
    assert labels == tuple(str(t) for t in range(length // 2 + 1))
    direct = [
        [np.mean([s[t0] * s[(t0 + t) % length] for t0 in range(length)]) for t in map(int, labels)] for s in slices
    ]
    np.testing.assert_allclose(series("correlator", phi), direct, atol=1e-14)
    by_fft = np.fft.ifft(np.abs(np.fft.fft(slices)) ** 2).real[:, : length // 2 + 1] / length
    np.testing.assert_allclose(series("correlator", phi), by_fft, atol=1e-14)
    connected = np.mean(direct, axis=0) - phi.mean() ** 2
    np.testing.assert_allclose(value("correlator_connected", phi), connected, atol=1e-14)


@shapes
def test_power_spectrum_is_the_mean_over_equivalent_modes(extents):
    phi, volume = fields(extents), math.prod(extents)
    full = np.abs(np.fft.fftn(phi, axes=range(1, phi.ndim))) ** 2 / volume
    groups = {}
    for k in sites(extents):
        mode = tuple(min(a, n - a) for a, n in zip(k, extents, strict=True))
        mode = tuple(sorted(mode, reverse=True)) if len(set(extents)) == 1 else mode
        groups.setdefault(",".join(map(str, mode)), []).append(full[(slice(None), *k)])
    labels = observable("power_spectrum").components(lattice_theory(extents))
    assert sorted(labels) == sorted(groups)
    assert len(set(labels)) == len(labels)
    found = series("power_spectrum", phi)
    for column, label in enumerate(labels):
        np.testing.assert_allclose(found[:, column], np.mean(groups[label], axis=0), rtol=1e-12)
    # Parseval: Σ_k |φ̃|²/V = Σ_x φ²
    sizes = np.array([len(groups[label]) for label in labels])
    np.testing.assert_allclose(found @ sizes, (phi**2).reshape(3, -1).sum(axis=1), rtol=1e-12)
    assert labels[0] == ",".join("0" for _ in extents)
    np.testing.assert_allclose(found[:, 0], volume * series("magnetization", phi) ** 2)


@shapes
def test_correlation_length(extents):
    phi, volume, length = fields(extents), math.prod(extents), max(extents)
    full = np.abs(np.fft.fftn(phi, axes=range(1, phi.ndim))) ** 2 / volume
    unit = [tuple(int(i == axis) for i in range(len(extents))) for axis, n in enumerate(extents) if n == length]
    smallest = np.mean([full[(slice(None), *k)] for k in unit], axis=0)
    np.testing.assert_allclose(series("correlation_length", phi), smallest, rtol=1e-10)


def test_correlation_length_of_a_known_spectrum():
    function = observable("correlation_length").function(lattice_theory((16, 16)))
    mass2, khat2 = 0.3, 4 * math.sin(math.pi / 16) ** 2
    g0, g1 = 1 / mass2, 1 / (mass2 + khat2)
    symmetric, broken = function(np.array([g1, (g0 + 256 * 2.0**2) / 256, 2.0]))
    assert broken == pytest.approx(1 / math.sqrt(mass2))
    assert symmetric > 10 * broken
    assert function(np.array([g1, g0 / 256, 0.0])) == pytest.approx(1 / math.sqrt(mass2))


@pytest.mark.parametrize("extents", [(4, 4), (3, 5)])
def test_plaquette(extents):
    theta = np.random.default_rng(1).uniform(-np.pi, np.pi, (2, 2, *extents))
    total = 0.0
    for x, y in sites(extents):
        right, top = ((x + 1) % extents[0], y), (x, (y + 1) % extents[1])
        total += math.cos(theta[(0, 0, x, y)] + theta[(0, 1, *right)] - theta[(0, 0, *top)] - theta[(0, 1, x, y)])
    found = observable("plaquette").series(theta, lattice_theory(extents, "u1", {"beta": 2.0}))
    assert found[0] == pytest.approx(total / math.prod(extents))


def test_cumulants_of_a_two_point_field():
    # φ = ±1 with probability ½: κ₂, κ₄, κ₆, κ₈ = 1, −2, 16, −272
    np.testing.assert_allclose(observable("cumulants").function(lattice_theory((1,)))(np.ones(4)), [1, -2, 16, -272])


def test_variance_of_the_square():
    """Of N(0, 1): 3 − 1; of ±1: 0."""
    function = observable("field_squared_variance").function(lattice_theory((1,)))
    np.testing.assert_allclose(function(np.array([1.0, 3.0, 15.0, 105.0])), 2)
    np.testing.assert_allclose(function(np.ones(4)), 0)


def test_cumulants_of_two_gaussians():
    """κ₂ = μ₀²+σ₀², κ₄ = −2μ₀⁴, κ₆ = 16μ₀⁶, κ₈ = −272μ₀⁸ (2410.21212), from moments by quadrature."""
    mu, sigma = 1.0, 0.25
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights /= weights.sum()
    moments = np.array([weights @ (mu + sigma * nodes) ** n for n in (2, 4, 6, 8)])
    found = observable("cumulants").function(lattice_theory((1,)))(moments)
    np.testing.assert_allclose(found, [mu**2 + sigma**2, -2 * mu**4, 16 * mu**6, -272 * mu**8], rtol=1e-10)


def test_exp_delta_h_counts_a_diverged_trajectory_as_rejected_for_certain():
    values = observable("exp_delta_h").primaries([np.array([0.0, 1.0, np.nan, np.inf])])
    np.testing.assert_allclose(values, [1, math.exp(-1), 0, 0])


@pytest.mark.parametrize("name", registry.names("observables"))
def test_the_file_of_every_series_computes_it(name):
    instance = observable(name)
    assert instance.definition
    for need in instance.needs:
        group, _, series_name = need.partition("/")
        assert group in ("observables", "sample_stats")
        if group == "observables":
            assert observable(series_name).needs[0] == need


@pytest.mark.parametrize("name", ["magnetization", "field_squared", "moments", "correlator"])
def test_complex_fields_enter_without_conjugation(name):
    phi = fields((4, 4)) + 1j * fields((4, 4), 4)[1:]
    found = series(name, phi)
    assert np.iscomplexobj(found)
    turned = series(name, np.exp(0.5j * np.pi) * phi)  # φ → iφ
    powers = {"magnetization": 1j, "field_squared": -1, "correlator": -1, "moments": np.array([-1, 1, -1, 1])}
    np.testing.assert_allclose(turned, found * powers[name], atol=1e-12)
