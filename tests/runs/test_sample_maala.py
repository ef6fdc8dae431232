"""Adjusted annealed Langevin on sizes and couplings that the model was not trained for, against HMC."""

import functools
import threading

import pytest
from statistical import difference, reported

from sqcli import store
from sqcli.analysis import flags
from sqcli.analysis.measure import measure
from sqcli.cli._main import run as command
from sqcli.runs.generate import Request, generate
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.train import TrainRequest, train

TRAINED = {"kappa": "0.21", "lambda": "0.022"}
WANTED = {"kappa": "0.23"}
EXTENTS = (6, 6)
OBSERVABLES = ["abs_magnetization", "chi2", "action", "field_squared"]


def chains(path, extents, parameters, draws, seed=3):
    options = {"algorithm": "hmc", "algorithm_parameters": {"n_steps": "6"}, "chains": 8, "warmup": 200, "seed": seed}
    request = Request(path=path, theory="phi4", lattice=extents, parameters=parameters, draws=draws, **options)
    generate(request, threading.Event(), lambda _: None)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Trained on 8 × 8 at κ = 0.21, and not for long."""
    folder = tmp_path_factory.mktemp("model")
    data = chains(folder / "data", (8, 8), TRAINED, 64)
    sizes = {"channels": 4, "blocks": 1, "embedding": 8}
    train(
        TrainRequest.of(folder / "m", (data,), parameters=sizes, epochs=1, batch_size=64, seed=1, device="cpu"),
        threading.Event(),
        lambda _: None,
    )
    return folder / "m"


@pytest.fixture(scope="module")
def reference(tmp_path_factory, seed_for):
    folder = tmp_path_factory.mktemp("reference")

    @functools.cache
    def made(size):
        path = chains(folder / str(size), EXTENTS, TRAINED | WANTED, 2000 * size, seed_for(f"maala {size}"))
        return {row["observable"]: row for row in measure(path, OBSERVABLES).estimates}

    return made


def run(model, path, draws=384, workers=None, seed=11, **parameters):
    request = SampleRequest(
        path,
        model,
        method="maala",
        method_parameters={"n_steps": "15", "n_langevin": "2"} | parameters,
        parameters=WANTED,
        lattice=EXTENTS,
        draws=draws,
        workers=workers,
        seed=seed,
        device="cpu",
    )
    sample(request, threading.Event(), lambda _: None)
    return path


def test_a_long_adjusted_phase_is_asymptotic_and_right(model, reference, tmp_path, judge):
    def sample(seed, size):
        path = run(model, tmp_path / str(size), draws=384 * size, seed=seed, n_adjusted="400")
        exactness = store.open_ensemble(path).attrs["exactness"]
        assert exactness["status"] == "asymptotic", exactness
        rows = {row["observable"]: row for row in measure(path, OBSERVABLES).estimates}
        return {n: difference(reported(rows[n], 0.0), reported(reference(size)[n], 0.0)) for n in OBSERVABLES}

    judge.check(sample)


def test_a_short_adjusted_phase_is_uncorrected_and_wrong(model, reference, tmp_path, judge):
    def claim(seed, size):
        path = run(model, tmp_path / str(size), seed=seed, n_adjusted="3")
        exactness = store.open_ensemble(path).attrs["exactness"]
        assert exactness["status"] == "uncorrected"
        assert "tau_int" in exactness["reason"]
        rows = measure(path, OBSERVABLES).estimates
        assert flags.UNCORRECTED in rows[0]["flags"]
        far = [reported(row, reference(1)[row["observable"]]["value"]).z() for row in rows]
        assert max(map(abs, far)) > 8

    judge.twice(claim)


def test_what_was_measured_depends_on_the_run_alone(model, tmp_path):
    paths = [run(model, tmp_path / str(n), draws=4, workers=n, n_adjusted="20") for n in (1, 2)]
    one, two = (store.open_ensemble(path).attrs["exactness"] for path in paths)
    assert one == two


def test_other_sizes_and_couplings_from_the_command_line(model, tmp_path, capfd):
    options = "--method maala --lattice 12x12 -p kappa=0.2 -a n_steps=4 -a n_adjusted=4 --draws 2 --seed 1 --device cpu"
    code = command(["sample", str(model), str(tmp_path / "e"), *options.split()])
    assert code == 0, capfd.readouterr().err
    ensemble = store.open_ensemble(tmp_path / "e")
    assert ensemble.attrs["parameters"]["kappa"] == 0.2
    assert ensemble.fields(0).shape == (2, 12, 12)
