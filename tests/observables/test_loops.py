"""Plaquettes, Wilson loops, Creutz ratios and Polyakov loops: link by link on random links, and on the torus."""

import itertools

import numpy as np
import pytest
from statistical import ratio
from torus import area_law, gauge_transformed, torus_draws

from sqcli.analysis.selection import observable, sources
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory

EXTENTS = [(3, 4), (2, 5), (2, 3, 4), (3, 2, 2, 4)]
SIZES = "1x1,1x2,2x1,2x2,2x3,3x2"
shapes = pytest.mark.parametrize("extents", EXTENTS, ids=lambda e: "x".join(map(str, e)))
groups = pytest.mark.parametrize("rank", [0, 1, 2, 3], ids=["angles", "U(1)", "U(2)", "U(3)"])


def lattice_theory(extents):
    return LatticeTheory("u1", {"beta": 2.0}, Lattice(extents))


def unitary(rng, shape, rank):
    values = rng.normal(size=(*shape, rank, rank)) + 1j * rng.normal(size=(*shape, rank, rank))
    return np.linalg.qr(values)[0]


def random_links(extents, rank, draws=2):
    """Angles for rank 0, unitary matrices for others."""
    rng = np.random.default_rng(sum(extents) + rank)
    shape = (draws, len(extents), *extents)
    return unitary(rng, shape, rank) if rank else rng.uniform(-np.pi, np.pi, shape)


def series(name, links, extents, **options):
    return observable(name, options).series(links, lattice_theory(extents))


def walk(links, start, steps):
    """The product of links along a path of (axis, ±1), site by site, as a matrix; and where it ends."""
    extents, site = links.shape[1 : 1 + len(start)], list(start)
    matrices = links if links.ndim > 1 + len(start) else np.exp(1j * links)[..., None, None]
    product = np.eye(matrices.shape[-1])
    for axis, step in steps:
        if step < 0:
            site[axis] = (site[axis] - 1) % extents[axis]
        link = matrices[(axis, *site)]
        product = product @ (link if step > 0 else link.conj().T)
        if step > 0:
            site[axis] = (site[axis] + 1) % extents[axis]
    return product, tuple(site)


def rectangle(axes, sides):
    (a, b), (r, t) = axes, sides
    return [(a, 1)] * r + [(b, 1)] * t + [(a, -1)] * r + [(b, -1)] * t


def loop_by_hand(links, extents, size):
    """Average of one draw over all sites and all pairs of different axes for which there is room."""
    found = []
    for axes in itertools.permutations(range(len(extents)), 2):
        if all(side <= extents[axis] for axis, side in zip(axes, size, strict=True)):
            for site in itertools.product(*map(range, extents)):
                matrix, end = walk(links, site, rectangle(axes, size))
                assert end == site
                found.append(np.trace(matrix).real / len(matrix))
    return np.mean(found)


@shapes
@groups
def test_loops_are_products_of_links(extents, rank):
    links = random_links(extents, rank)
    options = {"sizes": ",".join(s for s in SIZES.split(",") if max(map(int, s.split("x"))) <= sorted(extents)[-2])}
    found = series("wilson_loop", links, extents, **options)
    for column, label in enumerate(observable("wilson_loop", options).components(lattice_theory(extents))):
        by_hand = [loop_by_hand(draw, extents, tuple(map(int, label.split("x")))) for draw in links]
        np.testing.assert_allclose(found[:, column], by_hand, atol=1e-13)
        if label == "1x1":
            np.testing.assert_allclose(series("plaquette", links, extents), by_hand, atol=1e-13)


def test_a_loop_may_be_as_long_as_the_lattice_where_it_has_room():
    links = random_links((2, 5), 2)
    found = series("wilson_loop", links, (2, 5), sizes="5x2,2x5,1x5")
    expected = [[loop_by_hand(draw, (2, 5), size) for size in ((5, 2), (2, 5), (1, 5))] for draw in links]
    np.testing.assert_allclose(found, expected, atol=1e-13)


@shapes
@groups
def test_polyakov_loops_are_products_of_links(extents, rank):
    links = random_links(extents, rank)
    for axis in range(-1, len(extents)):
        line = [(axis % len(extents), 1)] * extents[axis]
        others = [range(1 if a == axis % len(extents) else n) for a, n in enumerate(extents)]
        for draw in range(2):
            walks = {site: walk(links[draw], site, line)[0] for site in itertools.product(*others)}
            p = {site: np.trace(matrix) / len(matrix) for site, matrix in walks.items()}
            found = series("polyakov_loop", links, extents, axis=axis)[draw]
            assert found == pytest.approx(abs(np.mean(list(p.values()))), abs=1e-14)
            first = 1 if axis % len(extents) == 0 else 0
            shifted = [
                np.mean(
                    [
                        (p[x].conj() * p[tuple((c + r * (a == first)) % extents[a] for a, c in enumerate(x))]).real
                        for x in p
                    ]
                )
                for r in range(extents[first] // 2 + 1)
            ]
            correlator = series("polyakov_correlator", links, extents, axis=axis)[draw]
            np.testing.assert_allclose(correlator, shifted, atol=1e-14)
            labels = observable("polyakov_correlator", {"axis": axis}).components(lattice_theory(extents))
            assert labels == tuple(map(str, range(len(shifted))))


@shapes
@groups
@pytest.mark.parametrize("name", ["plaquette", "wilson_loop", "polyakov_loop", "polyakov_correlator"])
def test_gauge_invariance(extents, rank, name):
    links = random_links(extents, rank)
    rng = np.random.default_rng(5)
    gauge = unitary(rng, (2, *extents), rank) if rank else rng.uniform(-9, 9, (2, *extents))
    moved = gauge_transformed(links, gauge, len(extents))
    assert abs(moved - links).max() > 0.1
    np.testing.assert_allclose(series(name, moved, extents), series(name, links, extents), atol=1e-12)


@shapes
@pytest.mark.parametrize("name", ["plaquette", "wilson_loop", "polyakov_loop", "polyakov_correlator"])
def test_on_the_ordered_start_every_loop_is_one(extents, name):
    cold = np.zeros((1, len(extents), *extents))
    assert (series(name, cold, extents) == 1).all()
    ones = np.broadcast_to(np.eye(3, dtype=complex), (*cold.shape, 3, 3))
    np.testing.assert_allclose(series(name, ones, extents), 1, atol=1e-15)


@groups
def test_loops_do_not_know_how_the_lattice_is_turned(rank):
    """Axes exchanged; and one axis reflected, where a link is replaced by the inverse of the one before."""
    links = random_links((3, 4, 2), rank)
    turned = np.moveaxis(links, (2, 3, 4), (4, 2, 3))[:, [1, 2, 0]]
    for name in ("plaquette", "wilson_loop"):
        np.testing.assert_allclose(series(name, turned, (4, 2, 3)), series(name, links, (3, 4, 2)), atol=1e-13)
    mirrored = np.flip(links, 2).copy()
    inverse = mirrored[:, 0].conj().swapaxes(-1, -2) if rank else -mirrored[:, 0]
    mirrored[:, 0] = np.roll(inverse, -1, 1)
    for name in ("plaquette", "wilson_loop"):
        np.testing.assert_allclose(series(name, mirrored, (3, 4, 2)), series(name, links, (3, 4, 2)), atol=1e-13)


@pytest.mark.parametrize(("beta", "extents"), [(1.0, (4, 4)), (2.0, (4, 3)), (0.5, (2, 3)), (3.0, (4, 5))])
def test_loops_and_polyakov_correlators_on_the_torus(judge, beta, extents):
    theory = lattice_theory(extents)
    loops = observable("wilson_loop")
    labels = loops.components(theory)
    areas = [int(label[0]) * int(label[2]) for label in labels]
    areas += [r * extents[1] for r in range(extents[0] // 2 + 1)]
    expected = [area_law(beta, extents[0] * extents[1], area) for area in areas]

    def sample(seed, size):
        links, weight = torus_draws(beta, extents, 20_000 * size, seed)
        values = [loops.series(links, theory), observable("polyakov_correlator").series(links, theory)]
        return ratio(weight[:, None] * np.hstack(values), np.tile(weight[:, None], len(areas)), np.array(expected))

    judge.check(sample)


def test_the_area_law_of_the_torus_is_that_of_the_plaquette():
    exact = lattice_theory((4, 6)).loaded.exact(Lattice((4, 6)))
    assert area_law(2.0, 24, 1) == pytest.approx(exact["plaquette", None], rel=1e-13)
    assert area_law(2.0, 24, 24) == pytest.approx(1, rel=1e-13)


def test_default_sizes_are_small_and_have_room():
    small = {e: observable("wilson_loop").components(lattice_theory(e)) for e in ((2, 3), (8, 8), (2, 2, 2))}
    assert small[2, 3] == ("1x1", "1x2", "2x2", "1x3", "2x3")
    assert small[2, 2, 2] == ("1x1", "1x2", "2x2")
    assert len(small[8, 8]) == 10
    assert small[8, 8][-1] == "4x4"


def test_sizes_that_have_no_room_do_not_exist():
    for name in ("wilson_loop", "creutz_ratio"):
        assert not observable(name, {"sizes": "1x1,5x5"}).fits("theta", lattice_theory((4, 6)))
        assert observable(name, {"sizes": "1x1,6x4"}).fits("theta", lattice_theory((4, 6)))
        assert not observable(name).fits("theta", lattice_theory((8,)))
        assert not observable(name).fits("phi", lattice_theory((4, 6)))


@pytest.mark.parametrize("text", ["", "2", "0x1", "1x1,", "1x1;2x2", "big", "1x1x1", "-1x1"])
def test_what_names_no_size_is_refused(text):
    with pytest.raises(UsageError, match="must look like 1x1,2x2"):
        observable("wilson_loop", {"sizes": text})


def test_sizes_named_twice_are_one():
    assert observable("wilson_loop", {"sizes": "2x2,1x1,2x2"}).components(lattice_theory((4, 4))) == ("2x2", "1x1")


@pytest.mark.parametrize(
    ("sizes", "entering"),
    [
        ("small", "wilson_loop"),
        ("1x1", "wilson_loop.sizes-1x1"),
        ("2x2", "wilson_loop.sizes-1x1_1x2_2x2"),
        ("3x2,2x3", "wilson_loop.sizes-1x2_1x3_2x2_2x3"),
    ],
)
def test_creutz_ratios_are_made_of_one_series_of_loops(sizes, entering):
    assert [name for name, _ in sources(observable("creutz_ratio", {"sizes": sizes}), lattice_theory((4, 4)))] == [
        f"observables/{entering}"
    ]


@pytest.mark.parametrize("sizes", ["small", "2x2,1x1", "3x2,1x3"])
def test_creutz_ratios_of_loops_with_area_perimeter_and_corners(sizes):
    """W = e^{−σA − mP − c}: χ = σ, and for a side of 1 what is left of perimeter and corners."""
    theory, instance = lattice_theory((6, 8)), observable("creutz_ratio", {"sizes": sizes})
    ((_, loops),) = sources(instance, theory)
    sides = np.array([tuple(map(int, label.split("x"))) for label in loops.components(theory)])
    means = np.exp(-0.3 * sides.prod(axis=1) - 0.1 * 2 * sides.sum(axis=1) - 0.05)
    found = dict(zip(instance.components(theory), instance.function(theory)(means), strict=True))
    expected = {"1x1": 0.3 + 0.4 + 0.05}
    for label, value in found.items():
        assert value == pytest.approx(expected.get(label, 0.5 if "1" in label else 0.3), rel=1e-12)
