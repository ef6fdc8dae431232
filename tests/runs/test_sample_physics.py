"""What sampled ensembles say is exact, however wrong the model: weights, Metropolis–Hastings, interleaved updates."""

import dataclasses
import math
import threading

import numpy as np
import pytest
from models import known_model
from statistical import reported

from sqcli import store
from sqcli.analysis import flags
from sqcli.analysis.measure import measure
from sqcli.analysis.verify import verify
from sqcli.diffusion.samplers.path import Path as PathSampler
from sqcli.errors import SqcliError
from sqcli.lattice.geometry import Lattice
from sqcli.runs.sample import SampleRequest, sample
from sqcli.theories.free import Free

EXTENTS, LATTICE = (4, 4), Lattice((4, 4))
TRAINED, WANTED = 0.5, 0.8
WALK = {"accept": "independence"}
STEPS = {"n_steps": "3"}
OBSERVABLES = ("chi2", "field_squared", "action", "correlator", "magnetization")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return known_model(tmp_path_factory.mktemp("model") / "m", EXTENTS, mass2=TRAINED)


def run(model, path, **changes):
    base = {"method": "path", "method_parameters": STEPS, "parameters": {"mass2": WANTED}, "chains": 4, "draws": 1500}
    request = SampleRequest(model=model, path=path, **base | {"seed": 5, "device": "cpu"} | changes)
    sample(request, threading.Event(), lambda _: None)
    return path


def log_z(mass2):
    """½ Σ_k log 2πG(k)."""
    return 0.5 * float(np.log(2 * math.pi * Free(mass2).propagator(LATTICE)).sum())


@pytest.fixture
def assert_exact(judge, model, tmp_path):
    """Runs of these options know all that is known of the free field, and log Z; hands on what `look` asserts."""

    def check(look, offset=0.0, **options):
        exact = {key: value for key, value in Free(WANTED).exact(LATTICE).items() if key[0] in OBSERVABLES}
        draws = options.pop("draws", 1500)

        def sampled(seed, size):
            path = run(model, tmp_path / str(size), seed=seed, draws=draws * size, **options)
            rows = measure(path, [*dict.fromkeys(name for name, _ in exact), "log_z"]).estimates
            assert not any(flags.UNCORRECTED in row["flags"] for row in rows)
            look(path, rows)
            values = [exact.get((row["observable"], row["component"]), log_z(WANTED) + offset) for row in rows]
            named = [f"{row['observable']} {row['component']}" for row in rows]
            return {n: reported(row, value) for n, row, value in zip(named, rows, values, strict=True)}

        judge.check(sampled)

    return check


def test_weighted_draws_of_a_wrong_model(assert_exact):
    def look(path, rows):
        assert all(row["weighted"] for row in rows if row["observable"] != "log_z")
        plain = measure(path, ["field_squared"], unweighted=True).estimates[0]
        assert abs(plain["value"] - Free(WANTED).exact(LATTICE)["field_squared", None]) > 6 * plain["error"]

    assert_exact(look)


def test_independence_chain_of_a_wrong_model(assert_exact):
    def look(path, rows):
        assert not any(row["weighted"] for row in rows)
        accepted = np.mean(store.open_ensemble(path).stat("accepted"))
        assert 0.1 < accepted < 0.95
        assert measure(path, ["acceptance"]).estimates[0]["value"] == pytest.approx(accepted)

    assert_exact(look, **WALK)


@pytest.mark.parametrize("accept", ["none", "independence"])
def test_draws_of_a_wrong_model_are_verified(model, tmp_path, accept, judge):
    def claim(seed, size):
        report = verify(run(model, tmp_path / str(size), seed=seed, draws=1500 * size, accept=accept))
        assert report.passed, [row for row in report.estimates if row["passed"] is False]

    judge.twice(claim)


@pytest.mark.parametrize("interleave", ["hmc:1", "wolff:1"])
def test_interleaved_updates_keep_the_target(assert_exact, interleave):
    name = interleave.partition(":")[0]

    def look(path, rows):
        assert 0.5 < np.mean(store.open_ensemble(path).stat(f"{name}_acceptance_rate")) <= 1

    parameters = STEPS | {f"{name}.n_steps": "3"}
    assert_exact(look, interleave=(interleave,), method_parameters=parameters, chains=2, draws=400, **WALK)


@pytest.mark.parametrize("move", [(1,), (2, 3)])
def test_moves_of_partial_noise_keep_the_target(assert_exact, move):
    def look(path, rows):
        accepted = np.mean(store.open_ensemble(path).stat("partial_acceptance_rate"))
        assert 0.2 < accepted < 1
        assert accepted > np.mean(store.open_ensemble(path).stat("accepted"))

    assert_exact(look, move=move, chains=2, draws=600, **WALK)


def test_cluster_flips_alone_may_stand_between_proposals(assert_exact):
    def look(path, rows):
        assert np.isnan(store.open_ensemble(path).stat("wolff_acceptance_rate")).all()

    parameters = STEPS | {"wolff.radial_updates": "0"}
    assert_exact(look, interleave=("wolff:2",), method_parameters=parameters, chains=2, draws=400, **WALK)


@pytest.fixture
def broken_now_and_then(monkeypatch):
    """Every fourth draw or so is not a number, for reasons that have nothing to do with the field."""
    draw = PathSampler.draw

    def broken(self, denoiser, noise):
        drawn = draw(self, denoiser, noise)
        bad = noise.uniform(99) < 0.25
        fields = drawn.fields.clone()
        fields[bad] = float("nan")
        return dataclasses.replace(drawn, fields=fields)

    monkeypatch.setattr(PathSampler, "draw", broken)


@pytest.mark.parametrize("accept", ["none", "independence"])
def test_draws_that_are_no_numbers_do_not_count(assert_exact, broken_now_and_then, accept):
    def look(path, rows):
        assert np.isfinite(np.stack([store.open_ensemble(path).fields(c) for c in range(4)])).all()

    assert_exact(look, offset=math.log(0.75), accept=accept)


def test_a_model_of_nothing_but_nan_is_told(model, tmp_path, monkeypatch):
    draw = PathSampler.draw

    def broken(self, denoiser, noise):
        drawn = draw(self, denoiser, noise)
        return dataclasses.replace(drawn, fields=drawn.fields * float("nan"))

    monkeypatch.setattr(PathSampler, "draw", broken)
    with pytest.raises(SqcliError, match="draw 0 of chain 0 is not finite"):
        run(model, tmp_path / "e", workers=1)


def test_a_poor_model_is_flagged(tmp_path):
    poor = known_model(tmp_path / "m", EXTENTS, mass2=8.0)
    row = measure(run(poor, tmp_path / "e", parameters={"mass2": 0.3}), ["chi2"]).estimates[0]
    assert flags.LOW_WEIGHT_ESS in row["flags"]


@pytest.mark.parametrize("trace", ["coloured", "none"])
def test_flow_says_what_its_density_is_worth(model, tmp_path, trace):
    parameters = {"n_steps": "4", "trace": trace, "distance": "2"}
    path = run(model, tmp_path / "e", method="ode", method_parameters=parameters, chains=1, draws=64)
    ensemble = store.open_ensemble(path)
    assert ("log_weight" in ensemble.stat_names) == (trace != "none")
    assert ensemble.attrs["exactness"]["status"] == "uncorrected"


@pytest.mark.parametrize("accept", ["none", "independence"])
def test_flow_with_an_exact_trace_is_exact(assert_exact, accept):
    def look(path, rows):
        status = store.open_ensemble(path).attrs["exactness"]["status"]
        assert status == ("weighted" if accept == "none" else "exact")

    parameters = {"n_steps": "40", "trace": "exact"}
    assert_exact(look, method="ode", method_parameters=parameters, chains=1, draws=512, accept=accept)


def test_flow_with_too_few_steps_is_told(model, tmp_path):
    """Neither weights nor accept/reject make good for a log q that is not the density of the draws."""
    parameters = {"n_steps": "5", "trace": "exact"}
    for accept, line in (("none", "too coarse for weights"), ("independence", "density that is not exact")):
        path = run(
            model, tmp_path / accept, method="ode", method_parameters=parameters, chains=1, draws=16, accept=accept
        )
        exactness = store.open_ensemble(path).attrs["exactness"]
        assert exactness["status"] == "uncorrected"
        assert line in exactness["reason"]
        assert flags.UNCORRECTED in measure(path, ["chi2"]).estimates[0]["flags"]


def test_noisy_density_is_not_called_exact(model, tmp_path):
    parameters = {"n_steps": "4", "trace": "hutchinson"}
    path = run(model, tmp_path / "e", method="ode", method_parameters=parameters, chains=1, draws=20, **WALK)
    exactness = store.open_ensemble(path).attrs["exactness"]
    assert exactness["status"] == "uncorrected"
    assert exactness["reason"].startswith("approximate")


def test_methods_without_density_are_uncorrected(model, tmp_path):
    parameters = {"n_steps": "20"}
    path = run(model, tmp_path / "e", method="sde", method_parameters=parameters, chains=1, draws=70)
    assert flags.UNCORRECTED in measure(path, ["chi2"]).estimates[0]["flags"]
    assert "log_weight" not in store.open_ensemble(path).stat_names


def test_mixture_without_dimension(tmp_path, judge):
    """Two wells from the exact score by the flow: log Z and moments."""
    model = known_model(tmp_path / "m", (1,), theory="gaussian_mixture", mu0=2.0, sigma0=0.5)
    options = {"method": "ode", "method_parameters": {"n_steps": "60", "trace": "exact"}, "parameters": {}}

    def claim(seed, size):
        report = verify(run(model, tmp_path / str(size), seed=seed, chains=2, draws=256 * size, **options))
        assert "log_z" in {row["observable"] for row in report.estimates}
        assert report.passed, [row for row in report.estimates if row["passed"] is False]

    judge.twice(claim)
