"""Clover charge in four dimensions: by hand, constant fields, along the flow; its flag; densities of charge, action."""

import itertools
import threading

import numpy as np
import pytest
from drawn import write
from torus import gauge_transformed, links_of

from sqcli import open_ensemble
from sqcli.analysis import flags
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.measure import measure
from sqcli.analysis.selection import observable, sources
from sqcli.analysis.verify import verify
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory
from sqcli.observables._field_strength import densities
from sqcli.runs.generate import Request, generate
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1
from sqcli.theories.un import UN

TOUCHED = ("topological_charge", "topological_susceptibility", "charge_density")


def described(theory, extents):
    return LatticeTheory.of(theory, Lattice(extents))


def drawn(theory, extents, rng, width=0.7, around=None):
    """Links of one configuration near `around`, or near the identity."""
    lattice, manifold = Lattice(extents), theory.manifold
    around = manifold.cold(lattice) if around is None else around
    return manifold.move(around[None], width * rng.standard_normal((1, *manifold.tangent(lattice))))


def constant_fluxes(extents, fluxes, n=2):
    """Links diag(e^{iθ}, e^{−iθ}, 1, …) with the plaquette 2πk/(L_μL_ν) in the planes (μ, ν) -> k."""
    angles, x = np.zeros((4, *extents)), np.indices(extents)
    for (mu, nu), flux in fluxes.items():
        angles[nu] += 2 * np.pi * flux / (extents[mu] * extents[nu]) * x[mu]
        angles[mu] -= np.where(x[mu] == extents[mu] - 1, 2 * np.pi * flux / extents[nu] * x[nu], 0)
    links = np.broadcast_to(np.eye(n, dtype=complex), (*angles.shape, n, n)).copy()
    links[..., 0, 0], links[..., 1, 1] = np.exp(1j * angles), np.exp(-1j * angles)
    return links


def charge(links, theory):
    """Sum of the density of configurations, (n,)."""
    extents = links.shape[2:6]
    return densities(links, described(theory, extents))[2].sum(axis=(1, 2, 3, 4))


def parity(permutation):
    return np.linalg.det(np.eye(4)[list(permutation)])


def clover_by_hand(links, mu, nu, site):
    """Mean of (P − P†)/2i over the four loops in a plane that begin at `site`, less the trace; one draw."""
    total, n = 0, links.shape[-1]
    for a, b in ((mu, 1), (nu, 1)), ((nu, 1), (mu, -1)), ((mu, -1), (nu, -1)), ((nu, -1), (mu, 1)):
        x, loop = list(site), np.eye(n)
        for axis, step in (a, b, (a[0], -a[1]), (b[0], -b[1])):
            if step < 0:
                x[axis] = (x[axis] - 1) % links.shape[1 + axis]
            link = links[(axis, *x)]
            loop = loop @ (link if step > 0 else link.conj().T)
            if step > 0:
                x[axis] = (x[axis] + 1) % links.shape[1 + axis]
        total = total + (loop - loop.conj().T) / 8j
    return total - np.trace(total) / n * np.eye(n)


@pytest.mark.parametrize("theory", [SUN(2, 1.0), SUN(3, 1.0), UN(2, 1.0)], ids=str)
def test_density_and_energy_by_hand(theory, rng):
    extents = (2, 3, 2, 3)
    links = drawn(theory, extents, rng)
    clover, _, density = densities(links, described(theory, extents))
    energies = []
    for site in itertools.product(*map(range, extents)):
        f = {(mu, nu): clover_by_hand(links[0], mu, nu, site) for mu, nu in itertools.permutations(range(4), 2)}
        q = sum(parity(p) * np.trace(f[p[:2]] @ f[p[2:]]).real for p in itertools.permutations(range(4)))
        assert density[(0, *site)] == pytest.approx(q / (32 * np.pi**2), abs=1e-13)
        energies.append(sum(np.trace(f[plane] @ f[plane]).real for plane in itertools.combinations(range(4), 2)))
    if theory.special:
        assert clover[0] == pytest.approx(np.mean(energies), rel=1e-12)


@pytest.mark.parametrize(
    ("fluxes", "expected"),
    [
        ({(0, 1): 1, (2, 3): 1}, 2),
        ({(0, 1): 1, (2, 3): -2}, -4),
        ({(0, 2): 1, (1, 3): 1}, -2),
        ({(0, 3): 1, (1, 2): 1}, 2),
        ({(0, 1): 3}, 0),
        ({(0, 1): 1, (2, 3): 1, (0, 2): 1, (1, 3): 1}, 0),
    ],
)
@pytest.mark.parametrize("n", [2, 3])
def test_constant_fields_have_their_charge(fluxes, expected, n):
    """F ∝ diag(1, −1): Q = 2 (k₀₁k₂₃ − k₀₂k₁₃ + k₀₃k₁₂), as the lattice becomes fine."""
    theory, off = SUN(n, 1.0), []
    for length in (6, 8):
        found = charge(constant_fluxes((length,) * 4, fluxes, n)[None], theory)[0]
        off.append(abs(found - expected))
        assert found == pytest.approx(expected, abs=0.05 * max(map(abs, fluxes.values())) ** 2 * abs(expected) + 1e-9)
    assert off[1] <= 0.35 * off[0] + 1e-9  # as a⁴: sin F/F enters at second order, F as a²


def test_the_charge_is_odd_under_reflections_and_exchanges_and_does_not_know_the_gauge(rng):
    theory, extents = SUN(3, 1.0), (2, 3, 4, 2)
    links = drawn(theory, extents, rng)
    (before,) = charge(links, theory)
    assert abs(before) > 1e-3
    mirrored = np.flip(links, 2).copy()
    mirrored[:, 0] = np.roll(mirrored[:, 0].conj().swapaxes(-1, -2), -1, 1)
    assert charge(mirrored, theory)[0] == pytest.approx(-before, rel=1e-11)
    exchanged = links.swapaxes(3, 4)[:, [0, 2, 1, 3]]
    assert charge(exchanged, theory)[0] == pytest.approx(-before, rel=1e-11)
    assert charge(links.conj(), theory)[0] == pytest.approx(before, rel=1e-11)  # as under charge conjugation
    moved = gauge_transformed(links, drawn(theory, extents, rng)[:, 0], 4)
    assert charge(moved, theory)[0] == pytest.approx(before, rel=1e-11)


@pytest.mark.parametrize(("theory", "sign"), [(SUN(2, 1.0), 1), (SUN(3, 1.0), -1)], ids=str)
def test_the_flow_brings_a_noisy_field_to_its_charge(theory, sign, rng):
    extents = (6, 6, 6, 6)
    links = drawn(theory, extents, rng, 0.25, constant_fluxes(extents, {(0, 1): 1, (2, 3): sign}, theory.n))
    options = {"flow_times": "0,0.3,0.8"}
    kept = observable("gradient_flow", options).series(links, described(theory, extents))
    early, middle, late = (
        observable("topological_charge", options | {"flow_time": time}).primaries([kept])[0]
        for time in ("0", "0.3", "0.8")
    )
    assert abs(early - 2 * sign) > abs(middle - 2 * sign)
    assert late == pytest.approx(2 * sign, abs=0.05)
    rounded = observable("topological_charge", options | {"rounded": "yes"})
    assert rounded.primaries([kept])[0] == 2 * sign
    susceptibility = observable("topological_susceptibility", options | {"rounded": "yes"})
    assert susceptibility.function(described(theory, extents))(susceptibility.primaries([kept]))[0] == 4 / 6**4


@pytest.mark.parametrize(
    ("theory", "extents", "there"),
    [
        (SUN(2, 1.0), (2, 2, 2, 4), True),
        (SUN(1, 1.0), (2, 2, 2, 4), False),
        (UN(2, 1.0), (2, 2, 2, 4), True),
        (SUN(2, 1.0), (2, 2, 2), False),
        (SUN(2, 1.0), (2, 2), False),
    ],
    ids=str,
)
def test_where_there_is_a_charge(theory, extents, there):
    for name in TOUCHED:
        assert observable(name).fits("u", described(theory, extents)) is there
    names = observable("gradient_flow").components(described(theory, extents))
    assert any(name.startswith("charge") for name in names) is there


def test_flow_times_mean_nothing_in_two_dimensions():
    for name in TOUCHED:
        assert not observable(name, {"flow_time": "1"}).fits("theta", described(U1(1.0), (4, 4)))


def test_the_density_correlates_to_the_square_of_the_charge(rng):
    """Σ_t C(t) = Q²/V, along every axis; in two dimensions for angles and matrices alike."""
    theory, extents = SUN(2, 2.0), (4, 2, 2, 3)
    links = np.concatenate([drawn(theory, extents, rng) for _ in range(2)])
    known = observable("gradient_flow", {"flow_times": "0.05"}).series(links, described(theory, extents))[:, -1]
    plaquettes = rng.normal(0, 1.5, (2, 3, 4))
    plaquettes += (2 * np.pi - plaquettes.sum(axis=(1, 2), keepdims=True)) / 12
    flat = links_of(plaquettes)
    cases = [
        (links, described(theory, extents), {"flow_time": "0.05"}, known),
        (
            flat,
            described(U1(1.0), (3, 4)),
            {},
            observable("topological_charge").series(flat, described(U1(1.0), (3, 4))),
        ),
    ]
    for fields, on, options, charges in cases:
        assert abs(charges).max() > 1e-3
        for axis in range(on.lattice.dimension):
            instance = observable("charge_density", options | {"axis": axis})
            rows, length = instance.series(fields, on), on.lattice.extents[axis]
            assert len(instance.components(on)) == rows.shape[1]
            whole = sum(rows[:, min(t, length - t)] for t in range(length))
            np.testing.assert_allclose(whole, charges**2 / on.lattice.volume, atol=1e-12)
            assert (rows[:, 0] > 0).all()


def test_matrices_of_one_entry_have_the_density_of_angles(rng):
    angles = rng.uniform(-np.pi, np.pi, (2, 2, 3, 4))
    instance = observable("charge_density")
    one = instance.series(angles, described(U1(1.0), (3, 4)))
    other = instance.series(np.exp(1j * angles)[..., None, None], described(UN(1, 1.0), (3, 4)))
    np.testing.assert_allclose(one, other, atol=1e-13)


@pytest.mark.parametrize("theory", [SUN(3, 5.5), UN(2, 2.0), U1(1.3)], ids=str)
def test_the_action_density_adds_up_to_the_action(theory, rng):
    extents = (2, 3, 4)
    on, links = described(theory, extents), np.concatenate([drawn(theory, extents, rng) for _ in range(2)])
    rows = observable("action_density").series(links, on)
    assert observable("action_density").components(on) == ("xy", "xz", "yz")
    np.testing.assert_allclose(rows.sum(axis=1), theory.action(links, on.lattice) / on.lattice.volume, rtol=1e-12)
    turned = np.moveaxis(links, (2, 3, 4), (4, 2, 3))[:, [1, 2, 0]]  # axis x becomes the last
    np.testing.assert_allclose(
        observable("action_density").series(turned, described(theory, (3, 4, 2))), rows[:, [2, 0, 1]], rtol=1e-12
    )


@pytest.fixture
def in_sectors(tmp_path):
    """Three chains on 4x4x4x4 of SU(2) near constant fields with charges about 0 or 2."""

    def make(sectors):
        theory, rng = SUN(2, 2.3), np.random.default_rng(1)
        around = [theory.manifold.cold(Lattice((4,) * 4)), constant_fluxes((4,) * 4, {(0, 1): 1, (2, 3): 1})]
        links = np.stack([[drawn(theory, (4,) * 4, rng, 0.1, around[k])[0] for k in chain] for chain in sectors])
        return write(tmp_path / "e", links, "sun", {"n": 2, "beta": 2.3}, field="u")

    return make


def test_a_frozen_charge_is_flagged_from_the_draws_alone(in_sectors):
    path = in_sectors(np.repeat([[0], [1], [0]], 30, axis=1))
    options = {"flow_time": "0.05"}
    for function in (measure, autocorr):
        rows = function(path, [*TOUCHED, "plaquette"], options=options).estimates
        assert {row["observable"] for row in rows if flags.FROZEN_CHARGE in row["flags"]} == set(TOUCHED)
    report = verify(path)  # no exact value is known: nothing to be compared, and no flow
    assert not any("topological" in row["observable"] for row in report.estimates)


def test_a_charge_that_moves_is_not_flagged(in_sectors):
    path = in_sectors(np.random.default_rng(2).integers(0, 2, (3, 30)))
    rows = measure(path, TOUCHED, options={"flow_time": "0.05"}).estimates
    assert not any(flags.FROZEN_CHARGE in row["flags"] for row in rows)


def test_the_density_is_made_of_its_own_series_and_of_the_charge():
    on = described(SUN(2, 1.0), (4, 4, 4, 4))
    assert [name for name, _ in sources(observable("charge_density"), on)] == [
        "observables/charge_density",
        "observables/gradient_flow",
    ]


@pytest.mark.slow
def test_charges_of_smooth_configurations_are_near_integers(tmp_path):
    """SU(3), β = 6.0 on 8⁴, from the ordered start."""
    request = Request(
        tmp_path / "e", theory="sun", lattice=(8,) * 4, parameters={"n": 3, "beta": 6.0}, algorithm="hmc", seed=5,
        chains=2, draws=3, warmup=60, every=10, start="cold", workers=2,
    )  # fmt: skip
    generate(request, threading.Event(), lambda _: None)
    options = {"flow_times": "0,1,2"}
    on = described(SUN(3, 6.0), (8,) * 4)
    found = {}
    for time in ("0", "1", "2"):
        instance = observable("topological_charge", options | {"flow_time": time})
        ((_, flow),) = sources(instance, on)
        if not found:
            kept = np.concatenate([flow.series(open_ensemble(tmp_path / "e")["u"][chain], on) for chain in range(2)])
        charges = instance.primaries([kept])
        found[time] = abs(charges - np.rint(charges)).mean()
    assert found["2"] < 0.1
    assert found["2"] < found["0"]
