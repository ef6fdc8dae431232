"""Gauge theories of matrices: gauge invariance, U(1) as 1×1 matrices, exact two-dimensional results, known values."""

import threading

import numpy as np
import pytest
from statistical import reported

from sqcli import open_ensemble
from sqcli.analysis.measure import measure
from sqcli.analysis.verify import verify
from sqcli.lattice.geometry import Lattice
from sqcli.runs.generate import Request, generate
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1
from sqcli.theories.un import UN

GROUPS = [SUN(2, 2.3), SUN(3, 5.5), SUN(4, 10.0), UN(1, 1.4), UN(2, 3.0), UN(3, 4.0)]


def ensemble(path, theory, extents, seed, **options):
    """An ensemble of HMC with tuned steps."""
    name = "sun" if theory.special else "un"
    given = {"chains": 4, "draws": 200, "warmup": 200, "every": 2, "algorithm": "hmc"} | options
    values = {"n": theory.n, "beta": theory.beta}
    request = Request(path, theory=name, lattice=extents, parameters=values, seed=seed, workers=1, **given)
    generate(request, threading.Event(), lambda _: None)
    return path


def estimates(path, *names):
    """Observable and component -> estimate."""
    return {(row["observable"], row["component"]): row for row in measure(path, names).estimates}


@pytest.mark.parametrize("theory", GROUPS, ids=str)
@pytest.mark.parametrize("extents", [(2, 3), (3, 2, 4), (2, 3, 2, 2)])
def test_action_is_gauge_invariant_and_the_drift_turns_along(theory, extents, rng):
    lattice, manifold = Lattice(extents), theory.manifold
    links = manifold.move(np.stack([manifold.cold(lattice)] * 2), rng.standard_normal((2, *manifold.tangent(lattice))))
    gauge = manifold.project(links[:, 0] + 0.3 * links[:, 1])  # some group element at every site
    turned = np.stack(
        [gauge @ links[:, mu] @ np.roll(gauge, -1, 1 + mu).conj().swapaxes(-1, -2) for mu in range(lattice.dimension)],
        1,
    )
    np.testing.assert_allclose(theory.action(turned, lattice), theory.action(links, lattice), rtol=1e-12)
    before, after = (np.einsum("nma...,aij->nm...ij", theory.drift(u, lattice), manifold.generators)
                     for u in (links, turned))  # fmt: skip
    expected = gauge[:, None] @ before @ gauge[:, None].conj().swapaxes(-1, -2)
    np.testing.assert_allclose(after, expected, atol=1e-12)


def test_matrices_of_one_entry_are_angles(rng):
    lattice = Lattice((3, 4))
    angles = rng.uniform(-np.pi, np.pi, (2, 2, 3, 4))
    links = np.exp(1j * angles)[..., None, None]
    one, angle = UN(1, 1.7), U1(1.7)
    np.testing.assert_allclose(one.action(links, lattice), angle.action(angles, lattice))
    # the generator of U(1) is 1/√2
    np.testing.assert_allclose(one.drift(links, lattice)[:, :, 0], angle.drift(angles, lattice) / np.sqrt(2))
    known = angle.exact(lattice)
    assert one.exact(lattice)["plaquette", None] == pytest.approx(known["plaquette", None], abs=1e-12)


@pytest.mark.parametrize(
    ("theory", "extents"), [(SUN(2, 2.5), (4, 6)), (SUN(3, 6.0), (3, 4)), (UN(2, 3.0), (4, 3)), (SUN(4, 6.0), (2, 3))],
    ids=str,
)  # fmt: skip
def test_two_dimensions_are_exact(theory, extents, tmp_path, judge):
    exact = theory.exact(Lattice(extents))

    def sample(seed, size):
        path = ensemble(tmp_path / str(size), theory, extents, seed, draws=200 * size)
        found = estimates(path, "plaquette", "wilson_loop", "action")
        return {
            "/".join(map(str, key)): reported(row, exact[key])
            for key, row in found.items()
            if key in exact and row["error"]
        }

    judge.check(sample)


@pytest.mark.parametrize("algorithm", ["hmc", "langevin"])
def test_links_stay_in_the_group(algorithm, tmp_path):
    options = {"langevin": {"step_size": "auto", "adjusted": "true"}}.get(algorithm, {})
    path = ensemble(
        tmp_path / "e", SUN(3, 5.5), (2, 3, 2), 4, algorithm=algorithm, algorithm_parameters=options, chains=1, draws=4,
        every=500,
    )  # fmt: skip
    links = open_ensemble(path)["u"][0]
    assert links.dtype == np.complex128
    defect = links @ links.conj().swapaxes(-1, -2) - np.eye(3)
    assert np.abs(defect).max() < 1e-14
    assert np.abs(np.linalg.det(links) - 1).max() < 1e-14


def test_single_precision_is_complex64(tmp_path):
    path = ensemble(tmp_path / "e", UN(2, 2.0), (2, 2), 5, dtype="float32", chains=1, draws=8)
    assert open_ensemble(path)["u"][0].dtype == np.complex64
    generate(Request(path, draws=12), threading.Event(), lambda _: None)
    assert open_ensemble(path)["u"][0].shape == (12, 2, 2, 2, 2, 2)


COMPOSITE = {"algorithm": "composite", "algorithm_parameters": {"updates": "heatbath:1,overrelaxation:3"}}


@pytest.mark.parametrize("options", [{}, COMPOSITE, {"algorithm": "metropolis", "every": 8}], ids=str)
@pytest.mark.parametrize(
    ("theory", "extents"), [(SUN(2, 2.3), (4, 3, 4)), (SUN(3, 5.5), (2, 3, 2, 2)), (UN(2, 3.0), (2, 3, 2))], ids=str
)
def test_other_dimensions_satisfy_schwinger_dyson(theory, extents, options, tmp_path):
    report = verify(ensemble(tmp_path / "e", theory, extents, 6, **options))
    assert report.passed, report.sentence()


@pytest.mark.parametrize("change", [0.9, 1.1])
def test_another_coupling_is_seen(change, tmp_path):
    """Identities of one coupling do not hold for draws of another."""
    theory, lattice = SUN(2, 2.5), Lattice((6, 6))
    path = ensemble(tmp_path / "e", theory, (6, 6), 7, draws=400)
    fields = np.concatenate([open_ensemble(path)["u"][chain] for chain in range(4)])
    residual = SUN(2, 2.5 * change).identities(fields, lattice)["dS_dS"]
    assert abs(residual.mean()) > 4 * residual.std() / np.sqrt(len(residual) / 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theory", "extents", "plaquette", "square"),
    [
        (SUN(2, 2.3), (4, 4, 4, 4), (0.609465, 0.000109), (0.200647, 0.000249)),
        (SUN(3, 5.6), (6, 6, 6, 6), (0.524476, 0.000133), (0.104143, 0.000163)),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, COMPOSITE | {"every": 4}], ids=str)
def test_four_dimensions_agree_with_heat_bath(theory, extents, plaquette, square, options, tmp_path, judge):
    """Plaquettes and 2×2 loops of an independent heat-bath code, checked against expansions and Schwinger–Dyson."""

    def sample(seed, size):
        chosen = {"draws": (400 if theory.n == 2 else 60) * size, "every": 1, "warmup": 150} | options
        path = ensemble(tmp_path / str(size), theory, extents, seed, **chosen)
        found = estimates(path, "plaquette", "wilson_loop")
        rows = {"plaquette": (found["plaquette", None], plaquette), "2x2": (found["wilson_loop", "2x2"], square)}
        return {name: reported(row, value, tolerance=4 * error) for name, (row, (value, error)) in rows.items()}

    judge.check(sample)


def test_the_trivial_group_never_moves(tmp_path):
    path = ensemble(tmp_path / "e", SUN(1, 2.0), (3, 2), 8, chains=1, draws=4)
    np.testing.assert_allclose(open_ensemble(path)["u"][0], np.ones((4, 2, 3, 2, 1, 1)), atol=1e-15)
    assert open_ensemble(path).stat("acceptance_rate")[0].min() == 1
