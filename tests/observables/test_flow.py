"""Gradient flow against an independent integrator, its order, its invariances; scales; one series for everything."""

import threading

import numpy as np
import pytest
from drawn import write
from scipy.integrate import solve_ivp
from statistical import reported
from torus import gauge_transformed

from sqcli.analysis import flags
from sqcli.analysis.measure import measure
from sqcli.analysis.selection import observable, sources
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import modes
from sqcli.observables import LatticeTheory
from sqcli.observables._field_strength import densities
from sqcli.observables._flow import FlowedLinks
from sqcli.runs.generate import Request, generate
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1
from sqcli.theories.un import UN

CASES = [
    (SUN(3, 5.5), (2, 2, 3, 2)),
    (SUN(2, 2.3), (3, 2, 4)),
    (SUN(4, 9.0), (2, 3)),
    (UN(2, 2.3), (3, 4)),
    (U1(1.1), (3, 2, 2, 2)),
    (U1(2.0), (4, 3)),
]
cases = pytest.mark.parametrize(("theory", "extents"), CASES, ids=str)
TIMES = (0.02, 0.1, 0.5)


def drawn(theory, extents, rng, width=0.7):
    """Links of one configuration, not near the identity."""
    lattice, manifold = Lattice(extents), theory.manifold
    tangents = width * rng.standard_normal((1, *manifold.tangent(lattice)))
    return manifold.move(np.stack([manifold.cold(lattice)]), tangents)[0]


def velocity(links, theory):
    """V̇ V⁻¹ from products of links around each plaquette, or θ̇ from the gradient of Σ (1 − cos θ)."""
    dimension = len(links)
    if isinstance(theory, U1):
        return theory.drift(links[None], Lattice(links.shape[1:]))[0] / theory.beta
    found = np.zeros_like(links)
    for mu in range(dimension):
        for nu in set(range(dimension)) - {mu}:
            u, v, ahead = links[mu], links[nu], lambda m, a, s=1: np.roll(m, -s, a)
            dagger = lambda m: m.conj().swapaxes(-1, -2)  # noqa: E731
            above = u @ ahead(v, mu) @ dagger(ahead(u, nu)) @ dagger(v)
            below = u @ dagger(ahead(ahead(v, mu), nu, -1)) @ dagger(ahead(u, nu, -1)) @ ahead(v, nu, -1)
            found[mu] -= (above - dagger(above) + below - dagger(below)) / 2
    if theory.special:
        found -= np.trace(found, axis1=-2, axis2=-1)[..., None, None] * np.eye(theory.n) / theory.n
    return found


def followed(theory, links, times):
    """Links at `times` by an integrator for ordinary differential equations, entry by entry."""

    def right(_, entries):
        here = entries.view(links.dtype).reshape(links.shape)
        speed = velocity(here, theory)
        return (speed if isinstance(theory, U1) else speed @ here).ravel().view(float)

    begin = links.ravel().view(float)
    found = solve_ivp(right, (0, max(times)), begin, method="DOP853", rtol=1e-11, atol=1e-12, t_eval=times)
    return [np.ascontiguousarray(y).view(links.dtype).reshape(links.shape) for y in found.y.T]


@cases
def test_the_flow_is_that_of_an_independent_integrator(theory, extents, rng):
    links = drawn(theory, extents, rng)
    lattice = Lattice(extents)
    described = LatticeTheory.of(theory, lattice)
    flow = FlowedLinks(links, theory, lattice)
    for time, expected in zip(TIMES, followed(theory, links, TIMES), strict=True):
        flow.advance(time)
        assert flow.time == time
        assert theory.manifold.distance(flow.links[None], theory.manifold.project(expected[None])) < 2e-6
        found, right = (densities(u[None], described) for u in (flow.links, expected))
        assert found[0] == pytest.approx(right[0], rel=1e-6)
        assert found[1] == pytest.approx(right[1], rel=1e-6)


@cases
def test_the_scheme_and_its_error_are_of_third_order(theory, extents, rng):
    links, lattice = drawn(theory, extents, rng), Lattice(extents)
    (exact,) = followed(theory, links, [0.1])
    ends, estimates = [], []
    for count in (8, 16, 32):
        flow = FlowedLinks(links, theory, lattice, tolerance=np.inf)
        estimates.append(flow.attempt(0.1 / count))
        for _ in range(count):
            flow.attempt(0.1 / count)
            flow.accept()
        ends.append(theory.manifold.distance(flow.links[None], theory.manifold.project(exact[None])))
    orders = np.log2(np.array(ends[:-1]) / ends[1:])
    np.testing.assert_allclose(orders, 3, atol=0.35)
    np.testing.assert_allclose(np.log2(np.array(estimates[:-1]) / estimates[1:]), 3, atol=0.35)


@cases
def test_energies_do_not_know_the_gauge_and_fall(theory, extents, rng):
    lattice, manifold = Lattice(extents), theory.manifold
    links = drawn(theory, extents, rng)
    gauge = drawn(theory, extents, rng)[:1]
    moved = gauge_transformed(links[None], gauge, lattice.dimension)
    assert manifold.distance(moved, links[None]) > 0.1
    instance, described = (
        observable("gradient_flow", {"flow_times": "0.05,0.1,0.2,0.4"}),
        LatticeTheory.of(theory, lattice),
    )
    before, after = (instance.series(u, described) for u in (links[None], moved))
    np.testing.assert_allclose(after, before, rtol=1e-11, atol=1e-12)
    times = np.array([0.05, 0.1, 0.2, 0.4])
    assert (np.diff(before[0, 4:8] / times**2) < 0).all()


@cases
def test_at_small_times_the_action_falls_by_the_square_of_its_gradient(theory, extents, rng):
    """d/dt of Σ_x E_plaquette, the action of the flow, is −Σ |V̇V⁻¹|², the norm being that of the generators."""
    lattice, links = Lattice(extents), drawn(theory, extents, rng)
    described = LatticeTheory.of(theory, lattice)
    flow, energies = FlowedLinks(links, theory, lattice), [densities(links[None], described)[1][0]]
    step = 1e-4
    for number in (1, 2):
        flow.advance(number * step)
        energies.append(densities(flow.links[None], described)[1][0])
    slope = (-3 * energies[0] + 4 * energies[1] - energies[2]) / (2 * step) * lattice.volume
    squared = (np.abs(velocity(links, theory)) ** 2).sum()
    assert slope == pytest.approx(-squared if isinstance(theory, U1) else -2 * squared, rel=1e-5)


def test_a_plane_wave_of_angles_decays_like_heat():
    """Weak transverse waves: θ̇ = Δθ, so that E falls by exp(−2 p̂² t)."""
    lattice, theory = Lattice((6, 8, 4)), U1(1.0)
    x = np.arange(6)[:, None, None] * np.ones(lattice.extents)
    links = np.zeros((3, *lattice.extents))
    links[1] = 1e-5 * np.cos(2 * np.pi * x / 6)
    flow, described = FlowedLinks(links, theory, lattice), LatticeTheory.of(theory, lattice)
    before = densities(links[None], described)[1][0]
    flow.advance(1.7)
    after = densities(flow.links[None], described)[1][0]
    assert after / before == pytest.approx(np.exp(-2 * 4 * np.sin(np.pi / 6) ** 2 * 1.7), rel=1e-6)


@pytest.mark.parametrize("energy", ["clover", "plaquette"])
def test_free_photons_have_their_energy(energy, tmp_path, judge):
    """U(1) at β = 100: (p̂²_μ + p̂²_ν) e^{−2p̂²t}/p̂² in each plane and mode, times cos² of half momenta for clovers."""
    beta, lattice, times = 100.0, Lattice((4, 3, 2, 4)), np.array([0.05, 0.2, 0.4])
    k = np.array([k for k in modes(lattice.extents).reshape(4, -1).T if k.any()])
    half = 4 * np.sin(k / 2) ** 2, np.cos(k / 2) ** 2 if energy == "clover" else np.ones_like(k)
    p2 = half[0].sum(axis=1)
    planes = [half[1][:, m] * half[1][:, n] * (half[0][:, m] + half[0][:, n]) for m in range(4) for n in range(m)]
    mean = [t**2 * (sum(planes) / p2 * np.exp(-2 * p2 * t)).sum() / (2 * beta * lattice.volume) for t in times]

    def sample(seed, size):
        request = Request(
            tmp_path / str(size), theory="u1", lattice=lattice.extents, parameters={"beta": beta}, algorithm="hmc",
            chains=4, draws=60 * size, warmup=60, every=3, start="cold", seed=seed, workers=1,
        )  # fmt: skip
        generate(request, threading.Event(), lambda _: None)
        options = {"flow_times": ",".join(map(str, times)), "energy": energy}
        rows = measure(request.path, ["flow_energy"], options=options).estimates
        return {row["component"]: reported(row, x, tolerance=0.01 * x) for row, x in zip(rows, mean, strict=True)}

    judge.check(sample)


@pytest.mark.parametrize("group", ["u1", "sun"])
def test_weak_constant_fields_have_the_energy_of_the_continuum(group):
    """F_01 = 2π/(L₀L₁) and F_23 = 4π/(L₂L₃): E = ½ Σ F² for angles, Σ tr F² for diagonal matrices, both discretised."""
    links = constant_fluxes((16, 16, 16, 16), {(0, 1): 1, (2, 3): 2}) if group == "u1" else None
    extents = (16, 16, 16, 16)
    first, second = 2 * np.pi / 256, 4 * np.pi / 256
    if group == "u1":
        clover, plaquette, charge = densities(links[None], LatticeTheory.of(U1(1.0), Lattice(extents)))
        expected = (first**2 + second**2) / 2
        assert charge is None
    else:
        angles = constant_fluxes(extents, {(0, 1): 1, (2, 3): 2})
        described = LatticeTheory.of(SUN(2, 1.0), Lattice(extents))
        clover, plaquette, charge = densities(embedded(angles)[None], described)
        expected = 2 * (first**2 + second**2)
        assert charge.sum() == pytest.approx(4, rel=2e-3)
    assert clover[0] == pytest.approx(expected, rel=2e-3)
    assert plaquette[0] == pytest.approx(expected, rel=2e-3)


def constant_fluxes(extents, fluxes):
    """Angles with the plaquette 2πn/(L_μL_ν), up to 2π at one corner, in the planes (μ, ν) -> n."""
    lattice = Lattice(extents)
    links, x = np.zeros((lattice.dimension, *extents)), np.indices(extents)
    for (mu, nu), n in fluxes.items():
        links[nu] += 2 * np.pi * n / (extents[mu] * extents[nu]) * x[mu]
        links[mu] -= np.where(x[mu] == extents[mu] - 1, 2 * np.pi * n / extents[nu] * x[nu], 0)
    return links


def embedded(angles):
    """SU(2) links diag(e^{iθ}, e^{−iθ})."""
    phases = np.exp(1j * angles)
    links = np.zeros((*angles.shape, 2, 2), complex)
    links[..., 0, 0], links[..., 1, 1] = phases, phases.conj()
    return links


def lattice_theory(theory, extents):
    return LatticeTheory.of(theory, Lattice(extents))


def test_energy_scale_and_charge_are_read_from_one_series():
    described = lattice_theory(SUN(3, 6.0), (2, 2, 2, 4))
    for options, key in (({}, "gradient_flow"), ({"flow_times": "0.01,0.02"}, "gradient_flow.flow_times-0.01_0.02")):
        for name in ("gradient_flow", "flow_energy", "flow_scale", "topological_charge", "topological_susceptibility"):
            assert [source for source, _ in sources(observable(name, options), described)] == [f"observables/{key}"]
    ((key, _),) = sources(observable("topological_charge", {"flow_time": "2"}), described)
    assert key == "observables/gradient_flow.flow_times-2"
    listed = observable("topological_charge", {"flow_time": "2", "flow_times": "1,2,3"})
    assert sources(listed, described)[0][0] == "observables/gradient_flow.flow_times-1_2_3"


def test_columns_of_the_series_are_what_their_names_say(rng):
    theory, extents = SUN(2, 2.0), (2, 3, 2, 2)
    described, links = lattice_theory(theory, extents), drawn(theory, extents, rng)
    options = {"flow_times": "0.3,0.1"}
    flow = observable("gradient_flow", options)
    rows = flow.series(links[None], described)
    expected = {}
    for label in ("0.1", "0.3"):
        moved = FlowedLinks(links, theory, Lattice(extents))
        moved.advance(float(label))
        clover, plaquette, charge = densities(moved.links[None], described)
        squared = float(label) ** 2
        expected |= {f"clover_{label}": squared * clover[0], f"plaquette_{label}": squared * plaquette[0]}
        expected[f"charge_{label}"] = charge.sum()
    assert dict(zip(flow.components(described), rows[0], strict=True)) == pytest.approx(expected, rel=1e-5)
    for energy in ("clover", "plaquette"):
        instance = observable("flow_energy", options | {"energy": energy})
        found = dict(zip(instance.components(described), instance.primaries([rows])[0], strict=True))
        assert found == {
            label: rows[0, flow.components(described).index(f"{energy}_{label}")] for label in ("0.3", "0.1")
        }
    for time in ("0.1", "0.3"):
        charge = observable("topological_charge", options | {"flow_time": time})
        assert charge.primaries([rows])[0] == rows[0, flow.components(described).index(f"charge_{time}")]
        rounded = observable("topological_charge", options | {"flow_time": time, "rounded": "true"})
        assert rounded.primaries([rows])[0] == np.rint(charge.primaries([rows])[0])
    assert observable("topological_charge", options).primaries([rows])[0] == rows[0, 4]


@pytest.mark.parametrize(
    ("extents", "last"), [((2, 2, 2, 4), 0.12), ((4, 4, 4, 4), 0.5), ((8, 8, 8, 16), 2), ((16, 16), 8), ((12,) * 3, 4)]
)
def test_flow_times_are_twenty_up_to_half_the_lattice(extents, last):
    times = observable("flow_energy").components(lattice_theory(U1(1.0), extents))
    assert len(times) == 20
    assert float(times[-1]) == pytest.approx(last)
    np.testing.assert_allclose(np.diff(np.array(times, float)), last / 20)
    assert np.sqrt(8 * last) <= min(extents) / 2


@pytest.mark.parametrize("text", ["", "x", "0.1,", "-1", "nan", "inf", "1e9", "0.1;0.2", "1001"])
@pytest.mark.parametrize("name", ["gradient_flow", "flow_energy", "flow_scale", "topological_charge"])
def test_what_names_no_flow_time_is_refused(name, text):
    with pytest.raises(UsageError, match=r"flow times must look like 0\.5,1"):
        observable(name, {"flow_times": text})


def test_a_flow_time_must_stand_in_the_list():
    with pytest.raises(UsageError, match="flow_time=3 is none of flow_times=1,2"):
        observable("topological_charge", {"flow_time": "3", "flow_times": "1,2"})


@pytest.mark.parametrize("energy", ["clover", "plaquette"])
def test_scales_of_known_curves(energy):
    """t²⟨E⟩ = a t + b t³ is met by cubics: a t + b t³ = 0.3 and a t + 3 b t³ = 0.3."""
    a, b = 0.11, 0.003
    described = lattice_theory(SUN(3, 6.0), (12, 12, 12, 12))
    instance = observable("flow_scale", {"energy": energy})
    times = np.array(instance.labels(described), float)
    curve = a * times + b * times**3
    kept = np.concatenate([curve, 0 * curve, 0 * curve] if energy == "clover" else [0 * curve, curve, 0 * curve])
    t0, w0 = instance.function(described)(instance.primaries([kept[None]])[0])
    assert a * t0 + b * t0**3 == pytest.approx(0.3, rel=1e-12)
    assert a * w0**2 + 3 * b * w0**6 == pytest.approx(0.3, rel=1e-12)
    high = observable("flow_scale", {"target": 5.0})
    assert np.isnan(high.function(described)(curve)).all()


def test_times_may_be_in_any_order_and_few():
    described = lattice_theory(SUN(3, 6.0), (8, 8, 8, 8))
    for text in ("2", "2,1", "1,0,2", "0.5,2,1,2.0"):
        instance = observable("flow_scale", {"flow_times": text})
        t0, w0 = instance.function(described)(0.2 * np.array(text.split(","), float))
        assert (t0, w0**2) == pytest.approx((1.5, 1.5), rel=1e-12)


def test_scales_of_an_ensemble_have_errors_or_say_that_they_are_not_reached(tmp_path, rng):
    theory = SUN(2, 2.0)
    links = np.stack([[drawn(theory, (2, 2, 2), rng, 0.4) for _ in range(12)] for _ in range(2)])
    path = write(tmp_path / "e", links, "sun", {"n": 2, "beta": 2.0}, field="u")
    rows = {row["component"]: row for row in measure(path, ["flow_energy"]).estimates}
    assert len(rows) == 20
    assert all(row["value"] > 0 and row["error"] > 0 for row in rows.values())
    top = max(row["value"] for row in rows.values())
    for row in measure(path, ["flow_scale"], options={"target": top / 2}).estimates[:1]:
        assert row["value"] > 0
        assert row["error"] > 0
    for row in measure(path, ["flow_scale"], options={"target": 10 * top}).estimates:
        assert row["value"] is None
        assert row["flags"][0] == flags.NOT_REACHED


def test_links_that_are_no_numbers_end_as_no_numbers():
    described = lattice_theory(SUN(2, 2.0), (2, 2))
    instance = observable("flow_energy", {"flow_times": "0.1,0.5"})
    links = np.full((1, 2, 2, 2, 2, 2), np.nan + 0j)
    with np.errstate(all="ignore"):
        found = observable("gradient_flow", {"flow_times": "0.1,0.5"}).series(links, described)
    assert np.isnan(instance.primaries([found])).all()


@pytest.mark.parametrize("theory", [SUN(3, 2.0), SUN(1, 2.0), UN(1, 2.0)], ids=str)
def test_the_ordered_start_stays(theory):
    described = lattice_theory(theory, (2, 2, 2))
    cold = described.loaded.manifold.cold(described.lattice)[None]
    assert abs(observable("gradient_flow").series(cold, described)).max() < 1e-25
