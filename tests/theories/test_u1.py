"""U(1) gauge theory: gauge invariance, exact values against integrals, and independent draws on the torus."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import iv
from statistical import mean

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.exact import Exact
from sqcli.theories.u1 import U1

EXTENTS = [(4, 5), (2, 3, 4), (2, 3, 4, 3)]
DRAWN = [(0.5, (2, 3)), (1.0, (8, 6)), (3.0, (2, 2)), (7.0, (8, 8)), (12.0, (16, 3)), (0.0, (3, 3)), (-1.5, (3, 5))]


@pytest.mark.parametrize("extents", EXTENTS, ids=str)
def test_gauge_invariance(extents, rng):
    """The action does not change, nor does the drift, as the group is abelian."""
    theory, lattice = U1(2.0), Lattice(extents)
    field = rng.uniform(-np.pi, np.pi, (2, lattice.dimension, *extents))
    gauge = rng.uniform(-np.pi, np.pi, (2, *extents))
    turned = np.stack([field[:, mu] + gauge - lattice.shift(gauge, mu) for mu in range(lattice.dimension)], axis=1)
    np.testing.assert_allclose(theory.action(turned, lattice), theory.action(field, lattice), rtol=1e-12)
    np.testing.assert_allclose(theory.drift(turned, lattice), theory.drift(field, lattice), rtol=0, atol=1e-12)


@pytest.mark.parametrize("extents", EXTENTS, ids=str)
def test_action_is_the_sum_over_all_planes(extents, rng):
    """Links multiplied around every plaquette, site by site."""
    theory, lattice = U1(0.7), Lattice(extents)
    field = rng.uniform(-np.pi, np.pi, (lattice.dimension, *extents))
    total, steps = 0.0, np.eye(lattice.dimension, dtype=int)
    for site in np.ndindex(*extents):
        for mu in range(lattice.dimension):
            for nu in range(mu):
                right, up = (tuple((site + steps[axis]) % extents) for axis in (mu, nu))
                angle = field[mu][site] + field[nu][right] - field[mu][up] - field[nu][site]
                total += 0.7 * (1 - np.cos(angle))
    assert theory.action(field[None], lattice)[0] == pytest.approx(total, rel=1e-12)


def test_susceptibility_published():
    published = {1: 0.0406362, 3: 0.0110608, 5: 0.00575581, 7: 0.00393131, 9: 0.00299416, 11: 0.00241905}
    for beta, value in published.items():
        found = U1(beta).exact(Lattice((16, 16)))["topological_susceptibility", None]
        assert found == pytest.approx(value, rel=2e-6)
        assert found == U1(beta).exact(Lattice((8, 32)))["topological_susceptibility", None]
    assert U1(7.0).exact(Lattice((8, 8)))["topological_susceptibility", None] == pytest.approx(0.00339236, rel=2e-6)


def test_loops_of_large_volumes_are_powers():
    exact = U1(3.0).exact(Lattice((40, 40)))
    for side, area in (("1x1", 1), ("2x1", 2), ("3x4", 12), ("4x4", 16)):
        assert exact["wilson_loop", side] == pytest.approx((iv(1, 3.0) / iv(0, 3.0)) ** area, abs=1e-12)


def test_loops_of_the_smallest_torus_are_integrals():
    """Three free plaquettes and the one that closes the torus, on a grid that is exact to rounding."""
    angle = np.arange(48) * np.pi / 24
    a, b, c = np.meshgrid(angle, angle, angle, indexing="ij")
    weight = np.exp(1.5 * (np.cos(a) + np.cos(b) + np.cos(c) + np.cos(a + b + c)))
    exact = U1(1.5).exact(Lattice((2, 2)))
    for side, loop in (("1x1", a), ("1x2", a + b), ("2x1", a + b)):
        assert exact["wilson_loop", side] == pytest.approx((weight * np.cos(loop)).sum() / weight.sum(), rel=1e-12)
    assert ("wilson_loop", "1x3") not in exact


def loops(theory, field, lattice):
    """Means of cos over the loops whose exact values are known."""
    angle = theory.plaquettes(field, lattice)[:, 0]
    found = {}
    for name, label in theory.exact(lattice):
        if name == "wilson_loop":
            sides = tuple(map(int, label.split("x")))
            if sides[0] <= lattice.extents[0] and sides[1] <= lattice.extents[1]:
                shifts = np.ndindex(*sides)
                inside = sum(np.roll(angle, (-x, -y), (1, 2)) for x, y in shifts)
                found[name, label] = np.cos(inside).mean(axis=(1, 2))
    return found


@pytest.mark.parametrize(("beta", "extents"), DRAWN, ids=str)
def test_independent_draws_have_the_exact_means(beta, extents, judge):
    theory, lattice = U1(beta), Lattice(extents)
    exact = theory.exact(lattice)

    def sample(seed, size):
        normals = np.random.default_rng(seed).standard_normal((20_000 * size, 2, *extents))
        field = theory.independent(normals, lattice)
        assert np.abs(field).max() <= np.pi
        found = {key: mean(values, exact[key]) for key, values in loops(theory, field, lattice).items()}
        cosines = np.cos(theory.plaquettes(field, lattice)[:, 0])
        found |= {("first", ""): mean(cosines[:, 0, 0], exact["plaquette", None])}
        found |= {("last", ""): mean(cosines[:, -1, -1], exact["plaquette", None])}
        charge = theory.charge(field, lattice)
        if theory.charge_squared(lattice) * len(charge) > 100:  # draws that have one
            found["charge", ""] = mean(charge, 0)
            found["charge squared", ""] = mean(charge**2, theory.charge_squared(lattice))
        return {" ".join(map(str, key)): value for key, value in found.items()}

    judge.check(sample)


@pytest.mark.parametrize(("beta", "extents"), DRAWN[1:4], ids=str)
def test_gauges_and_polyakov_phases_are_uniform(beta, extents, judge):
    """Harmonics of links, of products of links that no gauge leaves alone, and of closed lines vanish."""
    theory, lattice = U1(beta), Lattice(extents)

    def sample(seed, size):
        normals = np.random.default_rng(seed).standard_normal((10_000 * size, 2, *extents))
        field = theory.independent(normals, lattice)
        lines = [field[:, mu].sum(axis=1 + mu)[:, 0] for mu in range(2)]
        open_lines = [field[:, 0, 0, 0], field[:, 1, -1, -1], field[:, 0, 0, 0] - field[:, 1, 0, 0]]
        angles = np.stack([*lines, lines[0] - lines[1], lines[0] + lines[1], *open_lines, field[:, 0, 0, 1]])
        found = {}
        for n in (1, 2, 3):
            found[f"cos {n}"], found[f"sin {n}"] = mean(np.cos(n * angles).T, 0), mean(np.sin(n * angles).T, 0)
        return found

    judge.check(sample)


@pytest.mark.parametrize("beta", [0.7, 30.0])
def test_a_draw_does_not_depend_on_its_batch(beta, rng):
    theory, lattice = U1(beta), Lattice((5, 4))
    normals = rng.standard_normal((7, 2, 5, 4))
    together = theory.independent(normals, lattice)
    for ends in pairwise((0, 1, 3, 7)):
        np.testing.assert_array_equal(theory.independent(normals[slice(*ends)], lattice), together[slice(*ends)])


def test_strong_fields_are_gaussian(judge):
    """At β = 10⁴ plaquettes have the variance (1 − 1/V)/β to one part in β."""
    theory, lattice = U1(1e4), Lattice((3, 4))

    def sample(seed, size):
        field = theory.independent(np.random.default_rng(seed).standard_normal((5000 * size, 2, 3, 4)), lattice)
        angle = theory.plaquettes(field, lattice)[:, 0]
        angle -= 2 * np.pi * np.rint(angle / (2 * np.pi))
        return mean(1e4 * (angle**2).mean(axis=(1, 2)), 11 / 12, tolerance=2e-4)

    judge.check(sample)


@pytest.mark.parametrize("extents", EXTENTS[1:], ids=str)
def test_exact_draws_are_refused_above_two_dimensions(extents):
    with pytest.raises(UsageError, match="two dimensions only"):
        Exact().check(System(U1(1.0), Lattice(extents)), 0)
    with pytest.raises(UsageError, match="beta"):
        Exact().check(System(U1(1e7), Lattice((4, 4))), 0)


def test_exact_chains_are_those_draws(judge):
    system, algorithm = System(U1(5.0), Lattice((6, 4))), Exact()
    algorithm.check(system, 0)

    def sample(seed, size):
        state = algorithm.init(system, system.theory.manifold.cold(system.lattice), 0)
        fields = algorithm.step(system, state, Stream(seed, 0), 5000 * size, 1, False)[1].fields
        charge = system.theory.charge(fields, system.lattice)
        plaquette = np.cos(system.theory.plaquettes(fields, system.lattice)).mean(axis=(1, 2, 3))
        exact = system.theory.exact(system.lattice)["plaquette", None]
        return {
            "plaquette": mean(plaquette, exact),
            "charge": mean(charge**2, system.theory.charge_squared(system.lattice)),
        }

    judge.check(sample)
