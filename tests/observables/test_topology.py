"""Topological charge and susceptibility of U(1): configurations made by hand, and the exact values of the torus."""

import numpy as np
import pytest
from statistical import ratio
from torus import gauge_transformed, links_of, torus_draws

from sqcli.analysis.selection import observable, sources
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory

CHARGE, SUSCEPTIBILITY = observable("topological_charge"), observable("topological_susceptibility")


def u1(extents, beta=2.0):
    return LatticeTheory("u1", {"beta": beta}, Lattice(extents))


@pytest.mark.parametrize("charge", [-3, -1, 0, 1, 2, 7])
@pytest.mark.parametrize("extents", [(4, 6), (6, 4), (5, 5)])
def test_a_constant_field_strength_has_its_charge(charge, extents):
    """θ_□ = 2πQ/V everywhere, in any gauge, and whatever multiples of 2π are added to links."""
    volume = extents[0] * extents[1]
    links = links_of(np.full((1, *extents), 2 * np.pi * charge / volume))
    plaquette = observable("plaquette").series(links, u1(extents))[0]
    assert plaquette == pytest.approx(np.cos(2 * np.pi * charge / volume), abs=1e-12)
    assert CHARGE.series(links, u1(extents)).tolist() == [charge]
    rng = np.random.default_rng(1)
    moved = gauge_transformed(links, rng.uniform(-9, 9, (1, *extents)), 2)
    moved += 2 * np.pi * rng.integers(-3, 4, links.shape)
    assert CHARGE.series(moved, u1(extents)).tolist() == [charge]


def test_the_charge_is_the_sum_of_plaquette_angles_and_odd_under_reflection():
    links = np.random.default_rng(2).uniform(-np.pi, np.pi, (50, 2, 3, 4))
    theta = links[:, 0] + np.roll(links[:, 1], -1, 1) - np.roll(links[:, 0], -1, 2) - links[:, 1]
    found = CHARGE.series(links, u1((3, 4)))
    np.testing.assert_allclose(found, np.angle(np.exp(1j * theta)).sum(axis=(1, 2)) / (2 * np.pi), atol=1e-12)
    assert (found == np.rint(found)).all()
    assert len(set(found)) > 2
    exchanged = links[:, ::-1].swapaxes(2, 3)
    assert (CHARGE.series(exchanged, u1((4, 3))) == -found).all()
    assert (CHARGE.series(-links, u1((3, 4))) == -found).all()


@pytest.mark.parametrize("extents", [(4,), (4, 4, 4), (2, 2, 2, 4)])
def test_angles_have_a_charge_in_two_dimensions_only(extents):
    for instance in (CHARGE, SUSCEPTIBILITY):
        assert not instance.fits("theta", u1(extents))
        assert instance.fits("theta", u1((4, 6)))
        assert not instance.fits("phi", u1((4, 6)))


@pytest.mark.parametrize("charge", [-2, 0, 1, 3])
def test_matrices_have_the_charge_of_their_determinants(charge, rng):
    extents, theory = (4, 6), LatticeTheory("un", {"n": 3, "beta": 2.0}, Lattice((4, 6)))
    angles = links_of(np.full((1, *extents), 2 * np.pi * charge / 24))
    links = np.zeros((1, 2, *extents, 3, 3), complex)
    for i, share in enumerate((0.25, 0.25, 0.5)):  # of the flux
        links[..., i, i] = np.exp(1j * angles * (share if charge % 4 == 0 else i == 1))
    gauge = np.linalg.qr(rng.standard_normal((1, *extents, 3, 3)) + 1j * rng.standard_normal((1, *extents, 3, 3)))[0]
    assert CHARGE.series(gauge_transformed(links, gauge, 2), theory).tolist() == [charge]
    assert CHARGE.series(links.conj(), theory).tolist() == [-charge]


def test_matrices_of_determinant_one_have_none_in_two_dimensions():
    for instance in (CHARGE, SUSCEPTIBILITY):
        assert instance.fits("u", LatticeTheory("un", {"n": 2, "beta": 2.0}, Lattice((4, 6))))
        assert not instance.fits("u", LatticeTheory("sun", {"n": 2, "beta": 2.0}, Lattice((4, 6))))
        assert not instance.fits("u", LatticeTheory("un", {"n": 2, "beta": 2.0}, Lattice((4, 4, 4))))


def test_both_are_made_of_one_series():
    names = [[name for name, _ in sources(instance, u1((4, 4)))] for instance in (CHARGE, SUSCEPTIBILITY)]
    assert names == [["observables/topological_charge"]] * 2


@pytest.mark.parametrize(("beta", "extents"), [(1.0, (4, 4)), (2.0, (4, 3)), (0.5, (2, 3)), (3.0, (4, 5))])
def test_the_susceptibility_on_the_torus(judge, beta, extents):
    theory = u1(extents, beta)
    expected = theory.loaded.charge_squared(theory.lattice) / theory.lattice.volume
    function = SUSCEPTIBILITY.function(theory)

    def sample(seed, size):
        links, weight = torus_draws(beta, extents, 20_000 * size, seed)
        squared = SUSCEPTIBILITY.primaries([CHARGE.series(links, theory)])
        return ratio(weight * function(squared), weight, expected)

    judge.check(sample)


@pytest.mark.parametrize(
    ("beta", "length", "expected"),
    [
        (1, 16, 0.0406362),
        (3, 16, 0.0110608),
        (5, 16, 0.00575581),
        (7, 16, 0.00393131),
        (9, 16, 0.00299416),
        (11, 16, 0.00241905),
        (7, 8, 0.00339236),
    ],
)
def test_exact_susceptibilities_are_those_known(beta, length, expected):
    theory = u1((length, length), float(beta))
    assert theory.loaded.charge_squared(theory.lattice) / length**2 == pytest.approx(expected, rel=2e-6)
