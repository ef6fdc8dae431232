"""Moves of U(N) between sectors: what they do to plaquettes, their reversal and balance, the sectors' weights."""

import numpy as np
import pytest
from statistical import mean

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.theories import SectorMoves, _sectors
from sqcli.theories.sun import SUN
from sqcli.theories.un import UN

CHAINS = 16


def build(name, **values):
    return parameters.build(registry.load("mcmc", name), values, name)


def draws(theory, lattice, count, seed):
    width = theory.manifold.components(lattice) * lattice.volume
    return theory.independent(np.random.default_rng(seed).standard_normal((count, width)), lattice)


def moved(system, fields, key):
    """One move of every configuration: accepted or not (n,), and the configurations."""
    found = []
    for number, field in enumerate(fields):
        sites = system.sites(field)
        accepted = system.theory.change_sector(system.dtype)(
            sites, system.geometry, system.neighbours, system.couplings, number, np.array([key, 0], np.uint64)
        )
        found.append((accepted, system.field(sites)))
    return np.array([each[0] for each in found]), np.array([each[1] for each in found])


def by_hand(links, extents, n, v, delta):
    """The move along v, always accepted, of a flat array of links; returns Σ z† U_□ z."""
    (width, height), u = (np.uint64(extent) for extent in extents), np.empty((extents[0] + 1, n), complex)
    c, work, link = (
        np.empty((extents[0] * extents[1], n), complex),
        np.empty((2, n, n), complex),
        np.empty((n, n), complex),
    )
    u[0] = v
    found = complex(*_sectors.carried(links, n, width, height, u, c, np.empty((3, n), complex)))
    for site, (x, y) in enumerate(np.ndindex(extents)):
        if y:
            _sectors.turned(links, np.uint64(2 * site * n * n), n, -delta * y, c[site], link, work)
        if y == extents[1] - 1:
            at = np.uint64((2 * site + 1) * n * n)
            _sectors.turned(links, at, n, delta * extents[1] * x, u[x], link, work)
    return found


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("extents", [(2, 2), (3, 4), (5, 2)])
def test_an_eigenvalue_of_every_plaquette_turns_and_back(n, extents, rng):
    theory, lattice = UN(n, 2.0), Lattice(extents)
    field = draws(theory, lattice, 1, 3)
    v = rng.standard_normal(n) + 1j * rng.standard_normal(n)
    v, delta = v / np.linalg.norm(v), 2 * np.pi / lattice.volume
    links = np.moveaxis(field[0], 0, 2).reshape(-1).copy()  # site by site
    before, overlap = links.copy(), by_hand(links, extents, n, v, delta)
    after = np.moveaxis(links.reshape(*extents, 2, n, n), 2, 0)[None]
    old, new = (next(theory.plaquettes(each, lattice)) for each in (field, after))
    angles = np.sort(np.angle(np.linalg.eigvals(old.conj().swapaxes(-1, -2) @ new)), axis=-1)
    np.testing.assert_allclose(angles[..., -1], delta, atol=1e-12)
    np.testing.assert_allclose(angles[..., :-1], 0, atol=1e-12)
    change = theory.action(after, lattice) - theory.action(field, lattice)
    np.testing.assert_allclose(change, -2.0 / n * ((np.exp(1j * delta) - 1) * overlap).real, atol=1e-12)
    by_hand(links, extents, n, v, -delta)
    np.testing.assert_allclose(links, before, atol=1e-13)


@pytest.mark.parametrize("n", [1, 2])
def test_a_move_keeps_haars_measure(n):
    """The Jacobian, by differences along the algebra: links turn by i Σ v_a T_a from the left."""
    theory, lattice, step = UN(n, 2.0), Lattice((2, 2)), 1e-5
    manifold, field = theory.manifold, draws(UN(n, 2.0), Lattice((2, 2)), 1, 4)
    v = np.array([0.6, 0.8j])[-n:] / (0.8 if n == 1 else 1)

    def image(tangent):
        links = np.moveaxis(manifold.move(field, tangent)[0], 0, 2).reshape(-1).copy()
        by_hand(links, (2, 2), n, v, np.pi / 2)
        return np.moveaxis(links.reshape(2, 2, 2, n, n), 2, 0)

    tangents = np.eye(8 * n**2).reshape(-1, 1, *manifold.tangent(lattice)) * step
    rows = []
    for tangent in tangents:
        slope = (image(tangent) - image(-tangent)) / (2 * step) @ image(0 * tangent).conj().swapaxes(-1, -2)
        rows.append(2 * np.einsum("aij,mxyji->maxy", manifold.generators, slope).imag.ravel())
    assert abs(np.linalg.det(np.array(rows))) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("theory", "extents"),
    [
        (UN(1, 2.0), (2, 3)), (UN(2, 1.0), (2, 2)), (UN(2, 4.0), (3, 4)), (UN(2, 9.0), (4, 3)), (UN(2, -2.0), (2, 3)),
        (UN(3, 5.0), (2, 2)),
    ],
    ids=str,
)  # fmt: skip
def test_a_move_keeps_the_distribution(theory, extents, judge):
    """Exact draws are exact draws after it, and as many go up from a charge as come down to it."""
    lattice = Lattice(extents)
    system, exact = System(theory, lattice), theory.exact(lattice)

    def sample(seed, size):
        first = draws(theory, lattice, 3000 * size, seed)
        accepted, last = moved(system, first, seed)
        assert accepted.mean() > 0.05
        assert np.abs(last @ last.conj().swapaxes(-1, -2) - np.eye(theory.n)).max() < 1e-14
        before, after = theory.charge(first, lattice), theory.charge(last, lattice)
        assert (before != after).mean() > 0.02
        plaquettes = np.trace(next(theory.plaquettes(last, lattice)), axis1=-2, axis2=-1).real / theory.n
        found = {
            "plaquette": mean(plaquettes.mean(axis=(1, 2)), exact["plaquette", None]),
            "last": mean(plaquettes[:, -1, -1], exact["plaquette", None]),
            "charge": mean(after**2, theory.charge_squared(lattice)),
            "balance": mean((before**2 - after**2) * (before**2 + after**2), 0),
        }
        return found | {name: mean(r, 0) for name, r in theory.identities(last, lattice).items()}

    judge.check(sample)


def chains(algorithm, system, seed, size, draws=200, every=1, warmup=50):
    """Draws of independent chains from hot and cold starts, (n, *site) each."""
    for chain in range(CHAINS * size):
        stream, manifold = Stream(seed, chain), system.theory.manifold
        start = manifold.hot(system.lattice, stream) if chain % 2 else manifold.cold(system.lattice)
        state = algorithm.init(system, start.astype(manifold.stored(system.dtype)), warmup)
        state, _ = algorithm.step(system, state, stream, warmup, warmup, True)
        yield algorithm.step(system, state, stream, draws * every, every, False)[1].fields


@pytest.mark.parametrize(
    ("theory", "extents"),
    [(UN(2, 2.0), (3, 4)), (UN(2, 8.0), (5, 4)), (UN(2, 24.0), (8, 8)), (UN(3, 9.0), (4, 4)), (UN(1, 9.0), (8, 6))],
    ids=str,
)
def test_sectors_have_their_weights_in_a_composite(theory, extents, judge):
    lattice, algorithm = Lattice(extents), build("composite", updates="heatbath:1,instanton:4")
    system, exact = System(theory, lattice), theory.exact(lattice)

    def sample(seed, size):
        fields = list(chains(algorithm, system, seed, size))
        traces = [np.trace(next(theory.plaquettes(each, lattice)), axis1=-2, axis2=-1).real.mean() for each in fields]
        return {
            "plaquette": mean(np.array(traces) / theory.n, exact["plaquette", None]),
            "charge": mean(
                [(theory.charge(each, lattice) ** 2).mean() for each in fields], theory.charge_squared(lattice)
            ),
        }

    judge.check(sample)


def test_there_are_sectors_in_two_dimensions_of_un_only():
    with pytest.raises(UsageError, match="two dimensions only"):
        build("instanton").check(System(UN(2, 1.0), Lattice((2, 2, 2))), 0)
    build("instanton").check(System(UN(2, 1.0), Lattice((2, 2))), 0)
    assert not isinstance(SUN(2, 1.0), SectorMoves)
