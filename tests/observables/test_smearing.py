"""APE and stout smearing: by hand on single links, covariance, the group, the flow; and as options of loops."""

import numpy as np
import pytest
from drawn import write
from scipy.linalg import expm, polar
from torus import gauge_transformed

from sqcli import store
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.measure import measure
from sqcli.analysis.selection import observable, sources
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory
from sqcli.observables._flow import FlowedLinks
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1
from sqcli.theories.un import UN

CASES = [
    (SUN(3, 5.5), (2, 3, 2, 2)),
    (SUN(2, 2.3), (3, 2, 4)),
    (SUN(4, 9.0), (2, 3)),
    (UN(2, 2.3), (3, 4)),
    (U1(1.1), (3, 4, 2)),
]
cases = pytest.mark.parametrize(("theory", "extents"), CASES, ids=str)
kinds = pytest.mark.parametrize("smearing", ["ape", "stout"])
LOOPS = ("wilson_loop", "creutz_ratio", "polyakov_loop", "polyakov_correlator")


def drawn(theory, extents, rng, draws=2):
    """Links that are not near the identity."""
    lattice, manifold = Lattice(extents), theory.manifold
    return manifold.move(
        np.stack([manifold.cold(lattice)] * draws), 0.7 * rng.standard_normal((draws, *manifold.tangent(lattice)))
    )


def smeared(links, theory, smearing, steps=1, weight="auto"):
    options = {"smearing": smearing, "smearing_steps": steps, "smearing_weight": weight}
    lattice = Lattice(links.shape[2 : 2 + links.shape[1]])
    return observable("wilson_loop", options).smeared(links, LatticeTheory.of(theory, lattice))


def matrices(links, theory):
    return np.exp(1j * links)[..., None, None] if isinstance(theory, U1) else links


def detours(links, mu, site):
    """Σ over the ways of three links from `site` to its neighbour ahead, of one draw of matrices."""
    extents = links.shape[1:-2]

    def moved(x, axis, step):
        return tuple((c + step * (a == axis)) % extents[a] for a, c in enumerate(x))

    total = 0
    for nu in set(range(len(extents))) - {mu}:
        down = moved(site, nu, -1)
        total = total + (
            links[(nu, *site)] @ links[(mu, *moved(site, nu, 1))] @ links[(nu, *moved(site, mu, 1))].conj().T
            + links[(nu, *down)].conj().T @ links[(mu, *down)] @ links[(nu, *moved(down, mu, 1))]
        )
    return total


@cases
@kinds
def test_single_links_by_hand(theory, extents, smearing, rng):
    links = drawn(theory, extents, rng)
    found = matrices(smeared(links, theory, smearing, weight=0.3), theory)
    site, before = (1,) * len(extents), matrices(links, theory)
    special = getattr(theory, "special", False)
    for draw in range(2):
        for mu in range(len(extents)):
            u, way = before[(draw, mu, *site)], detours(before[draw], mu, site)
            if smearing == "ape":
                expected = polar(0.7 * u + 0.3 * way / (2 * (len(extents) - 1)))[0]
                phase = np.angle(np.linalg.det(expected)) / len(u) if special else 0
                expected = expected * np.exp(-1j * phase)
            else:
                omega = 0.3 * way @ u.conj().T  # hep-lat/0311018, eqs. 1 to 3
                q = 0.5j * (omega.conj().T - omega)
                q -= np.trace(q) / len(u) * np.eye(len(u)) if special else 0
                expected = expm(1j * q) @ u
            np.testing.assert_allclose(found[(draw, mu, *site)], expected, atol=1e-12)


@cases
@kinds
def test_smearing_commutes_with_gauge_transformations_and_stays_in_the_group(theory, extents, smearing, rng):
    links, gauge = drawn(theory, extents, rng), drawn(theory, extents, rng)[:, 0]
    after = smeared(links, theory, smearing, 3)
    turned = smeared(gauge_transformed(links, gauge, len(extents)), theory, smearing, 3)
    np.testing.assert_allclose(
        matrices(turned, theory), matrices(gauge_transformed(after, gauge, len(extents)), theory), atol=1e-12
    )
    assert theory.manifold.distance(after, theory.manifold.project(after)) < 1e-13
    assert theory.manifold.distance(after, links) > 0.1


@cases
def test_a_stout_step_of_small_weight_is_the_gradient_flow(theory, extents, rng):
    links, off = drawn(theory, extents, rng, 1), []
    for weight in (0.002, 0.001):
        flow = FlowedLinks(links[0], theory, Lattice(extents))
        flow.advance(weight)
        off.append(theory.manifold.distance(smeared(links, theory, "stout", weight=weight), flow.links[None]))
    assert off[1] < 1e-4
    assert off[0] / off[1] == pytest.approx(4, rel=0.05)


@kinds
def test_many_steps_are_one_after_another(smearing, rng):
    theory = SUN(2, 2.0)
    links = drawn(theory, (2, 3, 2), rng)
    once_more = smeared(smeared(links, theory, smearing, 2), theory, smearing, 1)
    np.testing.assert_allclose(smeared(links, theory, smearing, 3), once_more, atol=1e-13)


@kinds
@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_those_of_smeared_links(name, smearing, rng):
    theory, extents = SUN(2, 2.0), (2, 3, 3)
    links, described = drawn(theory, extents, rng), LatticeTheory.of(theory, Lattice(extents))
    options = {"smearing": smearing, "smearing_steps": 2, "smearing_weight": 0.2}
    ((key, computes),) = sources(observable(name, options), described)
    own = "wilson_loop" if name == "creutz_ratio" else name
    assert key == f"observables/{own}.smearing-{smearing}.smearing_steps-2.smearing_weight-0.2"
    assert f"2 {smearing} steps of weight 0.2" in computes.defined()
    ((_, plain),) = sources(observable(name), described)
    expected = plain.series(smeared(links, theory, smearing, 2, 0.2), described)
    np.testing.assert_allclose(computes.series(links, described), expected, atol=1e-13)
    assert abs(computes.series(links, described) - plain.series(links, described)).max() > 0.01


def test_smeared_loops_lie_beside_plain_ones(tmp_path, rng):
    theory = U1(1.0)
    links = np.stack([drawn(theory, (3, 4), rng, 20) for _ in range(2)])
    path = write(tmp_path / "e", links, "u1", {"beta": 1.0}, field="theta")
    options = {"smearing": "stout", "smearing_steps": 3, "axis": 0}
    for function in (measure, autocorr):
        rows = function(path, list(LOOPS), options=options).estimates
        assert all(row["options"]["smearing"] == "stout" for row in rows)
    del options["axis"]
    (plain, *_), (after, *_) = (measure(path, ["wilson_loop"], options=o).estimates for o in ({}, options))
    assert after["value"] > plain["value"] + 0.1
    assert "wilson_loop.smearing-stout.smearing_steps-3" in store.observable_names(path)
    assert store.check(path) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smearing": "hyp"}, "smearing"),
        ({"smearing_steps": 3}, "need smearing=ape or smearing=stout"),
        ({"smearing_weight": 0.1}, "need smearing=ape or smearing=stout"),
        ({"smearing": "ape", "smearing_steps": 0}, "smearing_steps must be from 1"),
        ({"smearing": "ape", "smearing_weight": 0}, "above 0 and at most 1"),
        ({"smearing": "stout", "smearing_weight": 1.5}, "above 0 and at most 1"),
    ],
)
def test_what_is_no_smearing_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        observable("wilson_loop", options)


@kinds
def test_draws_that_are_no_numbers_stay_so_and_spoil_no_others(smearing, tmp_path, rng):
    theory = SUN(2, 2.0)
    links = drawn(theory, (2, 3, 2), rng, 3)
    expected = smeared(links, theory, smearing)
    links[1, 2, 0, 1, 1, 0, 1] = np.nan
    with np.errstate(all="ignore"):
        found = smeared(links, theory, smearing)
    np.testing.assert_allclose(found[[0, 2]], expected[[0, 2]], atol=1e-13)
    assert np.isnan(found[1]).any()
    path = write(tmp_path / "e", links[None], "sun", {"n": 2, "beta": 2.0}, field="u")
    for row in measure(path, ["wilson_loop"], options={"smearing": smearing, "sizes": "1x1"}).estimates:
        assert row["value"] is None
        assert "not_finite" in row["flags"]
