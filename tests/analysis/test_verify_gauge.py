"""Verify of gauge fields: right ensembles pass; frozen, relabelled, badly integrated and damaged ones fail."""

import json
import shutil
import threading

import numpy as np
import pytest
from altered import alter
from drawn import write

from sqcli import open_ensemble
from sqcli.analysis._frozen_charge import stuck
from sqcli.analysis.verify import verify
from sqcli.cli.rendering import as_json
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.philox import Stream
from sqcli.runs.generate import Request, generate
from sqcli.runs.import_ import ImportRequest, import_ensemble
from sqcli.theories.u1 import U1

HB = {"updates": "heatbath:1,overrelaxation:3"}
TUNNELS = {"updates": "heatbath:1,overrelaxation:2,instanton:1"}
FINE = {"integrator": "omelyan4", "n_steps": "3"}
RIGHT = [
    ("u1", {"beta": 2}, (8, 6), "hmc", {}, 500),
    ("u1", {"beta": 1.2}, (4, 4), "metropolis", {}, 600),
    ("u1", {"beta": 6}, (8, 8), "composite", TUNNELS, 600),
    ("u1", {"beta": 8}, (8, 8), "exact", {}, 400),
    ("u1", {"beta": 1}, (3, 4, 2, 4), "composite", HB, 300),
    ("sun", {"n": 2, "beta": 2.5}, (6, 8), "hmc", FINE, 200),
    ("sun", {"n": 3, "beta": 5.5}, (3, 4, 2, 2), "composite", HB, 100),
    ("un", {"n": 2, "beta": 3}, (4, 6), "heatbath", {}, 300),
    ("un", {"n": 1, "beta": 2}, (4, 4), "hmc", {}, 300),
    ("sun", {"n": 1, "beta": 2}, (4, 4), "hmc", {}, 50),
]


def run(path, theory, parameters, extents, algorithm, values=None, draws=300, chains=4, **rest):
    """An ensemble with a warm-up that suffices."""
    options = {"warmup": 0 if algorithm == "exact" else 300, "start": "hot", "seed": 7, "workers": 1} | rest
    request = Request(
        path, theory=theory, parameters=parameters, lattice=extents, algorithm=algorithm,
        algorithm_parameters=values or {}, chains=chains, draws=draws, **options,
    )  # fmt: skip
    generate(request, threading.Event(), lambda _: None)
    return path


def rows(report, name):
    return [row for row in report.estimates if row["observable"] == name]


@pytest.mark.parametrize("case", RIGHT, ids=lambda c: f"{c[0]}-{'x'.join(map(str, c[2]))}-{c[3]}")
def test_right_ensembles_pass(case, tmp_path, judge):
    def claim(seed, size):
        report = verify(run(tmp_path / str(size), *case, seed=seed))
        if case[1] != {"n": 1, "beta": 2} or case[0] == "un":
            assert report.passed, report.sentence()
        assert report.verdict != "failed"

    judge.twice(claim)


@pytest.mark.slow
def test_one_false_alarm_at_most_in_70_runs(tmp_path, seed):
    alarms = []
    for number in range(70):
        case, chains = RIGHT[number % len(RIGHT)], (4, 8, 3)[number % 3]
        dtype = "float32" if number % 4 == 3 else "float64"
        report = verify(run(tmp_path / str(number), *case, chains=chains, dtype=dtype, seed=seed + number))
        if report.verdict == "failed":
            alarms.append((case, chains, dtype, report.sentence()))
    assert len(alarms) <= 1, alarms


@pytest.mark.parametrize(("beta", "chains", "draws"), [(7, 4, 200), (9, 2, 400), (11, 4, 200)])
def test_frozen_topology_fails(beta, chains, draws, tmp_path):
    report = verify(run(tmp_path / "e", "u1", {"beta": beta}, (16, 16), "hmc", draws=draws, chains=chains))
    assert report.verdict == "failed"
    (row,) = rows(report, "topological_susceptibility")
    assert row["passed"] is False
    assert "sector" in row["reason"]
    assert "frozen_charge" in row["flags"]


def test_chains_that_stay_where_all_the_weight_is_do_not_fail(tmp_path):
    """β = 12 on 4×4: other sectors have a weight of 10⁻⁶."""
    report = verify(run(tmp_path / "e", "u1", {"beta": 12}, (4, 4), "hmc", start="cold", draws=500))
    assert report.passed, report.sentence()


def square(beta, length):
    return U1(float(beta)).charge_squared(Lattice((length, length)))


def walk(rate, chains, draws):
    """Charges that turn to 0, 1 or −1 at random with probability `rate`."""
    rng = np.random.default_rng(3)
    drawn, keep = rng.integers(-1, 2, (chains, draws)), rng.random((chains, draws)) >= rate
    for t in range(1, draws):
        drawn[:, t] = np.where(keep[:, t], drawn[:, t - 1], drawn[:, t])
    return list(drawn.astype(float))


@pytest.mark.parametrize(
    ("charges", "expected", "said"),
    [
        ([np.full(100, q) for q in (0.0, 1.0, -1.0, 0.0)], square(7, 16), True),
        ([np.zeros(500)] * 4, square(7, 16), True),
        ([np.zeros(5000)] * 4, square(12, 4), False),
        ([np.zeros(1000)] * 4, square(6, 4), False),  # other sectors weigh 0.3 %: missed, with little harm
        ([np.full(500, -1.0)] * 4, square(12, 4), True),
        (walk(0.02, 4, 1000), square(5, 16), False),
        (walk(0.05, 4, 200), square(5, 16), False),
        (walk(0.03, 100, 5), square(5, 16), False),
        ([np.zeros(50)] * 2, square(7, 16), False),
        ([np.zeros(1)] * 500, 1.0, False),
        ([], 1.0, False),
    ],
)
def test_what_is_stuck(charges, expected, said):
    assert stuck(charges, expected) is said


def relabelled(path, factor):
    """The ensemble with another coupling in its attributes."""
    copy = path.with_name(f"{path.name}-{factor}")
    shutil.copytree(path, copy)
    parameters = json.loads((path / "zarr.json").read_text())["attributes"]["parameters"]
    alter(copy, parameters=parameters | {"beta": parameters["beta"] * factor})
    return copy


@pytest.mark.parametrize("factor", [0.98, 1.02])
@pytest.mark.parametrize("case", [RIGHT[0], RIGHT[5]], ids=["u1", "su2"])
def test_another_coupling_than_that_of_the_run_is_told_by_its_actions(case, factor, tmp_path):
    path = run(tmp_path / "e", *case[:5], draws=100)
    (row,) = rows(verify(path), "recorded_action")
    assert row["passed"]
    assert row["value"] < 1e-12
    report = verify(relabelled(path, factor))
    assert report.verdict == "failed"
    (row,) = rows(report, "recorded_action")
    assert row["passed"] is False
    assert "other actions" in row["reason"]


def test_single_precision_records_its_actions(tmp_path):
    report = verify(run(tmp_path / "e", "u1", {"beta": 2}, (8, 8), "hmc", draws=60, dtype="float32"))
    assert rows(report, "recorded_action")[0]["passed"]


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_another_coupling_is_told_by_the_physics_alone(factor, tmp_path, judge):
    """No actions are recorded by `exact`; the plaquette's mean has to tell."""

    def claim(seed, size):
        path = run(tmp_path / str(size), "u1", {"beta": 3.0}, (12, 12), "exact", draws=1500 * size, seed=seed)
        report = verify(relabelled(path, factor))
        assert report.verdict == "failed"
        told = {(row["observable"], row["component"]) for row in report.estimates if row["passed"] is False}
        assert ("schwinger_dyson", "dS_dS") in told
        assert ("plaquette", None) in told

    judge.twice(claim)


@pytest.mark.parametrize(
    ("theory", "parameters", "extents"),
    [("u1", {"beta": 3}, (8, 8)), ("u1", {"beta": 1}, (4, 4, 4, 4)), ("sun", {"n": 2, "beta": 2.3}, (4, 4, 4))],
)
@pytest.mark.parametrize("step", ["0.1", "0.3"])
def test_langevin_of_a_large_step_fails(theory, parameters, extents, step, tmp_path):
    path = run(tmp_path / "e", theory, parameters, extents, "langevin", {"step_size": step}, draws=300, every=2)
    assert verify(path).verdict == "failed"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_links_off_the_group_fail(dtype, tmp_path):
    parameters = {"n": 2, "beta": 2.5}
    path = run(tmp_path / "e", "sun", parameters, (4, 4), "hmc", draws=100, dtype=dtype)
    (row,) = rows(verify(path), "in_group")
    assert row["passed"]
    assert row["value"] < (1e-13 if dtype == "float64" else 1e-5)
    links = np.stack([open_ensemble(path)["u"][chain] for chain in range(4)]).astype(np.complex128)
    said = {"theory": "sun", "parameters": parameters, "field": "u"}
    for changed in (links * (1 + 1e-4), links * np.exp(1e-4j), links + 1e-4):
        report = verify(write(tmp_path / "off", changed, **said))
        assert rows(report, "in_group")[0]["passed"] is False
        assert report.verdict == "failed"
        shutil.rmtree(tmp_path / "off")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_links_that_are_no_numbers_fail(bad, tmp_path):
    manifold, lattice = GroupLinks(2, True), Lattice((3, 4))
    links = np.stack([manifold.hot(lattice, Stream(5, draw)) for draw in range(40)]).reshape(2, 20, 2, 3, 4, 2, 2)
    links[1, 7, 0, 1, 2, 0, 1] = bad
    report = verify(write(tmp_path / "e", links, "sun", {"n": 2, "beta": 1.0}, field="u"))
    assert report.verdict == "failed"
    assert rows(report, "in_group")[0]["passed"] is False
    json.loads(as_json(report), parse_constant=pytest.fail)


def test_imported_links_may_be_rounded_to_single_precision(tmp_path):
    parameters = {"n": 2, "beta": 2.5}
    links = open_ensemble(run(tmp_path / "e", "sun", parameters, (4, 4), "hmc", draws=50, chains=1))["u"][:]
    rounded = links.astype(np.complex64).astype(np.complex128)
    said = {"theory": "sun", "parameters": parameters, "field": "u"}
    (row,) = rows(verify(write(tmp_path / "i", rounded, algorithm="imported", **said)), "in_group")
    assert row["passed"]
    assert 1e-9 < row["value"] < 1e-6
    (row,) = rows(verify(write(tmp_path / "d", rounded, **said)), "in_group")
    assert row["passed"] is False


@pytest.mark.parametrize("theory", [("u1", {"beta": 2}), ("un", {"n": 1, "beta": 2})], ids=["u1", "un"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_loop_around_the_torus_needs_no_decision(theory, dtype, tmp_path):
    """The 4×4 loop of U(1) on 4×4 is 1 in every draw, as it should be."""
    report = verify(run(tmp_path / "e", *theory, (4, 4), "hmc", draws=300, dtype=dtype))
    (row,) = (row for row in rows(report, "wilson_loop") if row["component"] == "4x4")
    assert row["passed"]
    assert row["reason"] is None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_imported_ensembles_are_verified(dtype, tmp_path, judge):
    """Draws of the right law pass, those of another coupling fail, though nothing is recorded beside them."""

    def claim(seed, size):
        normals = np.random.default_rng(seed).standard_normal((4 * 800 * size, 2, 8, 8))
        draws = U1(2.0).independent(normals, Lattice((8, 8))).reshape(4, -1, 2, 8, 8)
        np.save(tmp_path / "draws.npy", draws.astype(dtype))
        for beta, verdict in ((2.0, "passed"), (2.2, "failed")):
            said = {"theory": "u1", "parameters": {"beta": beta}, "lattice": (8, 8), "force": True}
            import_ensemble(ImportRequest((tmp_path / "draws.npy",), tmp_path / f"e{beta}", **said))
            report = verify(tmp_path / f"e{beta}")
            assert report.verdict == verdict, report.sentence()

    judge.twice(claim)


@pytest.mark.parametrize("updates", ["hmc:1,overrelaxation:2", "heatbath:1,hmc:2,langevin:1"])
def test_trajectories_within_a_composite_are_followed_back(updates, tmp_path):
    values = {"updates": updates, "hmc.integrator": "force_gradient", "hmc.n_steps": "3"}
    if "langevin" in updates:
        values |= {"langevin.adjusted": "true", "langevin.step_size": "0.02"}
    report = verify(run(tmp_path / "e", "u1", {"beta": 2}, (4, 4), "composite", values, draws=60))
    (row,) = rows(report, "reversibility")
    assert row["passed"]
    assert row["value"] < 1e-12
