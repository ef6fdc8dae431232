"""Recipes that train and sample: planned before anything runs, made once, compared with what is exact."""

import copy
import threading
from contextlib import nullcontext

import pytest
import torch
import yaml
from statistical import estimate

from sqcli import open_ensemble, recipes
from sqcli.diffusion.training import trainer
from sqcli.errors import Stopped, UsageError
from sqcli.recipes._load import load
from sqcli.recipes._steps import runs

WELL = {
    "name": "well",
    "description": "a small network learns two wells",
    "source": "exact",
    "defaults": {
        "theory": "double_well", "lattice": 1, "parameters": {"a": -4, "b": 1}, "chains": 4,
        "train": {"net": "mlp", "net_parameters": {"layers": 2, "width": 16}, "schedule": "vp", "epochs": 2},
        "sample": {"method": "ode", "method_parameters": {"n_steps": 8}, "chains": 4, "draws": 300},
    },
    "steps": [
        {"generate": "data", "algorithm": "exact", "draws": 200, "warmup": 0, "seed": 1},
        {"train": "net", "of": "data", "batch_size": 32, "seed": 2},
        {"train": "longer", "of": "data", "batch_size": 32, "seed": 2, "init": "net", "epochs": 1},
        {"sample": "weighted", "model": "longer", "seed": 3},
        {"sample": "chain", "model": "net", "accept": "independence", "warmup": 10, "seed": 4},
        {"sample": "drawn", "model": "net", "method": "dpm", "seed": 5},
    ],
    "table": [
        {"of": "weighted", "observable": "field_squared", "reference": "exact"},
        {"of": "weighted", "observable": "log_z", "reference": "exact"},
        {"of": "weighted", "observable": "field_squared", "quantity": "ess"},
        {"of": "chain", "observable": "field_squared", "reference": {"of": "data"}},
        {"of": "chain", "observable": "acceptance"},
    ],
    "plots": [
        {"plot": "x", "kind": "histogram", "of": ["data", "drawn"]},
        {"plot": "s", "kind": "score", "of": "net", "times": [0.1]},
        {"plot": "e", "kind": "effective_action", "of": "weighted"},
        {"plot": "c", "kind": "cumulants", "of": "net", "with": "data", "draws": 50, "levels": [0.5, 1]},
    ],
}  # fmt: skip


@pytest.fixture
def well(small):
    """A recipe as a mapping, to be changed."""
    return type(small)(WELL) | {key: [dict(part) for part in WELL[key]] for key in ("steps", "table", "plots")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("well")
    path = folder / "well.yaml"
    path.write_text(yaml.safe_dump(WELL), encoding="utf-8")
    said = []
    yield path, folder / "out", recipes.run(path, out=folder / "out", say=said.append), said
    torch.set_num_threads(before)


def contents(folder):
    return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


def test_models_and_ensembles_lie_in_their_folders(made):
    _, out, outcome, said = made
    assert {path.name for path in (out / "models").iterdir()} == {"net", "longer"}
    assert {path.name for path in (out / "ensembles").iterdir()} == {"data", "weighted", "chain", "drawn"}
    assert open_ensemble(out / "ensembles" / "chain").attrs["accept"] == "independence"
    assert "[2/6] training net" in said
    assert "[6/6] sampling drawn" in said
    assert [file.name for file in outcome.files] == ["table.json", "table.csv", "x.png", "s.png", "e.png", "c.png"]
    assert any(line.startswith("e: ") for line in said)


def test_the_table_compares_with_exact_values_and_other_ensembles(made):
    rows = made[2].rows
    assert rows[0]["reference"] == pytest.approx(1.835342, abs=1e-6)
    assert (rows[0]["reference_source"], rows[0]["reference_error"]) == ("exact, by the theory itself", 0)
    assert 0 < rows[2]["value"] <= 1
    assert rows[3]["reference_source"] == "ensemble data"
    assert rows[3]["reference_error"] > 0
    assert 0 < rows[4]["value"] <= 1


def test_weights_make_even_a_hardly_trained_network_right(tmp_path, judge):
    def sample(seed, size):
        path, recipe = tmp_path / f"{size}.yaml", copy.deepcopy(WELL)
        recipe["defaults"]["sample"]["draws"] *= size
        for step in recipe["steps"]:
            step["seed"] = seed + step["seed"]
        path.write_text(yaml.safe_dump(recipe | {"plots": []}), encoding="utf-8")
        rows = recipes.run(path, out=tmp_path / str(size)).rows
        found = {n: rows[n]["reference_deviation"] for n in (0, 1, 3)}
        return {n: estimate(deviation, 1.0, 0.0, dof=30) for n, deviation in found.items()}

    judge.check(sample)


def test_again_it_changes_no_model_and_no_ensemble(made):
    path, out, outcome, _ = made
    before, said = {part: contents(out / part) for part in ("models", "ensembles")}, []
    again = recipes.run(path, out=out, say=said.append)
    assert {part: contents(out / part) for part in ("models", "ensembles")} == before
    assert again.rows == outcome.rows
    assert not any(line.startswith("[") for line in said)


def test_a_training_that_is_stopped_goes_on(made, well, written, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "REPORT", 0.0)  # tell of every step, however quick
    well |= {"steps": well["steps"][:2], "table": [], "plots": []}
    path, out, stop = written(well), tmp_path / "out", threading.Event()
    with pytest.raises(Stopped):
        recipes.run(
            path, out=out, stop=stop, reporter=lambda kind: nullcontext(lambda _: kind == "train" and stop.set())
        )
    assert not (out / "models" / "net" / "weights.safetensors").exists()
    recipes.run(path, out=out)
    weights = [folder / "models" / "net" / "weights.safetensors" for folder in (out, made[1])]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_the_commands_are_those_of_the_steps(made, tmp_path):
    lines = recipes.commands(made[0], out=tmp_path)
    assert lines[2] == (
        f"sqcli train {tmp_path}/ensembles/data --out {tmp_path}/models/longer --net mlp --schedule vp --epochs 1 "
        f"--batch-size 32 --seed 2 --init {tmp_path}/models/net -a layers=2 -a width=16"
    )
    assert lines[4] == (
        f"sqcli sample {tmp_path}/models/net {tmp_path}/ensembles/chain --method ode "
        "--accept independence --warmup 10 --chains 4 --draws 300 --seed 4 -a n_steps=8"
    )


def test_parameters_of_a_default_choice_go_with_it(well, written, tmp_path):
    well["steps"][1] |= {"net_parameters": {"width": 8}, "schedule": "ve", "schedule_parameters": {"sigma": 10.0}}
    del well["steps"][2]["init"]
    well["defaults"] = WELL["defaults"] | {"train": WELL["defaults"]["train"] | {"schedule_parameters": {"beta": 9.0}}}
    found = {run.name: run.request for run in runs(load(written(well)), tmp_path)}
    assert (found["net"].net_parameters, found["net"].schedule_parameters) == ({"width": 8, "layers": 2}, {"sigma": 10})
    assert found["longer"].net_parameters == {"width": 16, "layers": 2}
    assert found["longer"].schedule_parameters == {"beta": 9.0}
    assert found["chain"].method_parameters == {"n_steps": 8}
    assert found["drawn"].method_parameters == {}


def test_a_model_of_a_scan_learns_all_of_its_points(well, written, tmp_path):
    well["steps"][0]["scan"] = {"a": [-4, -3]}
    well |= {"steps": well["steps"][:2], "table": [], "plots": []}
    found = runs(load(written(well)), tmp_path)
    assert found[2].request.ensembles == [run.request.path for run in found[:2]]
    assert found[2].facts["couplings"] == ["a"]


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (1, {"net": "mpl"}, r"steps\.1 \(net\): .*'mpl'.*mlp"),
        (1, {"net_parameters": {"widht": 3}}, r"steps\.1 \(net\): .*widht.*width"),
        (1, {"schedule_parameters": {"beta": -1.0}}, r"steps\.1 \(net\): .*beta"),
        (1, {"net": "spectral"}, r"steps\.2 \(longer\): init: .*spectral.*mlp"),
        (4, {"method": "dpm"}, r"steps\.4 \(chain\): .*density.*dpm"),
        (3, {"warmup": 5}, r"steps\.3 \(weighted\): .*independence"),
        (5, {"lattice": "4x4"}, r"steps\.5 \(drawn\): .*4x4"),
        (3, {"method_parameters": {"steps": 3}}, r"steps\.3 \(weighted\): .*steps.*n_steps"),
    ],
)
def test_nothing_runs_when_a_later_step_makes_no_sense(well, written, tmp_path, number, change, said):
    well["steps"][number] |= change
    with pytest.raises(UsageError, match=said):
        recipes.run(written(well), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_runs_when_a_figure_does_not_take_an_option(well, written, tmp_path):
    well["plots"][1] |= {"with": "data"}
    with pytest.raises(UsageError, match=r"plots\.1\.with: unknown key; allowed: .*times, levels"):
        recipes.run(written(well), out=tmp_path / "out")
    well["plots"] = [{"plot": "e", "kind": "effective_action", "of": "weighted", "draws": 5}]
    with pytest.raises(UsageError, match=r"plots\.0\.draws: effective_action of weighted does not take it"):
        recipes.run(written(well), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_runs_when_nothing_exact_is_known(well, written, tmp_path):
    well["table"][1] |= {"observable": "acceptance"}
    with pytest.raises(
        UsageError, match=r"table\.1\.reference: not known exactly; of weighted is known: .*cumulants\[4\]"
    ):
        recipes.run(written(well), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
