"""Adjusted annealed Langevin on sizes and couplings that the model was not trained for, against HMC."""

import threading

import pytest

from sqcli import store
from sqcli.cli._main import run as command
from sqcli.runs import flags
from sqcli.runs.generate import Request, generate
from sqcli.runs.measure import measure
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.train import TrainRequest, train

TRAINED = {"kappa": "0.21", "lambda": "0.022"}
WANTED = {"kappa": "0.23"}
EXTENTS = (6, 6)
OBSERVABLES = ["abs_magnetization", "chi2", "action", "field_squared"]


def chains(path, extents, parameters, draws):
    options = {"algorithm": "hmc", "algorithm_parameters": {"n_steps": "6"}, "chains": 8, "warmup": 200, "seed": 3}
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
        TrainRequest(folder / "m", (data,), parameters=sizes, epochs=1, batch_size=64, seed=1, device="cpu"),
        threading.Event(),
        lambda _: None,
    )
    return folder / "m"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = chains(tmp_path_factory.mktemp("reference") / "e", EXTENTS, TRAINED | WANTED, 2000)
    return {row["observable"]: row for row in measure(path, OBSERVABLES).estimates}


def run(model, path, draws=384, workers=None, **parameters):
    request = SampleRequest(
        model,
        path,
        method="maala",
        method_parameters={"n_steps": "15", "n_langevin": "2"} | parameters,
        parameters=WANTED,
        lattice=EXTENTS,
        draws=draws,
        workers=workers,
        seed=11,
        device="cpu",
    )
    sample(request, threading.Event(), lambda _: None)
    return path


def deviations(path, reference):
    """From HMC, in σ."""
    rows = {row["observable"]: row for row in measure(path, OBSERVABLES).estimates}
    errors = {name: (rows[name]["error"] ** 2 + reference[name]["error"] ** 2) ** 0.5 for name in OBSERVABLES}
    return {name: (rows[name]["value"] - reference[name]["value"]) / errors[name] for name in OBSERVABLES}


def test_a_long_adjusted_phase_is_asymptotic_and_right(model, reference, tmp_path):
    path = run(model, tmp_path / "e", n_adjusted="400")
    exactness = store.open_ensemble(path).attrs["exactness"]
    assert exactness["status"] == "asymptotic", exactness
    found = deviations(path, reference)
    assert max(map(abs, found.values())) < 4, found


def test_a_short_adjusted_phase_is_uncorrected_and_wrong(model, reference, tmp_path):
    path = run(model, tmp_path / "e", n_adjusted="3")
    exactness = store.open_ensemble(path).attrs["exactness"]
    assert exactness["status"] == "uncorrected"
    assert "tau_int" in exactness["reason"]
    assert max(map(abs, deviations(path, reference).values())) > 8
    assert flags.UNCORRECTED in measure(path, ["chi2"]).estimates[0]["flags"]


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
