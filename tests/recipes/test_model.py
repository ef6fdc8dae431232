"""Recipes say in one line what is wrong with them: file, key, what is allowed."""

import pytest

from sqcli.errors import UsageError
from sqcli.recipes._load import load
from sqcli.recipes._model import ModelPlot, SeriesPlot
from sqcli.runs.plot import KINDS, MODEL_KINDS


def change(recipe, key, value):
    *way, last = key.split(".")
    for part in way:
        recipe = recipe[int(part) if part.isdigit() else part]
    recipe[int(last) if last.isdigit() else last] = value


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("stepz", 1, ["stepz: unknown key", "steps", "table", "plots"]),
        ("steps.0.chain", 4, ["steps.0.chain: unknown key", "chains", "warmup"]),
        ("steps.0.chains", 0, ["steps.0.chains", "greater than or equal to 1"]),
        ("steps.0.chains", "many", ["steps.0.chains", "integer", "'many'"]),
        ("steps.0.dtype", "float16", ["steps.0.dtype", "'float64' or 'float32'"]),
        ("steps.0.generate", "../up", ["steps.0.generate", "pattern"]),
        ("steps.1.generate", "a", ["steps.1.generate", "'a' is taken"]),
        ("steps", [], ["steps", "at least 1"]),
        ("steps.0", 7, ["steps.0", "keys and values", "generate"]),
        ("table.0.of", "c", ["table.0.of", "'c'", "a, b"]),
        ("table.0.observable", "bindr", ["table.0.observable", "did you mean 'binder'"]),
        ("table.0.reference", {"value": 1}, ["table.0.reference.source: is missing"]),
        ("table.0.quantity", "tau", ["table.0.quantity", "'value', 'tau_int' or 'ess'"]),
        ("plots.0.kind", "pie", ["plots.0", "history", "phase_diagram"]),
        ("plots.0.colour", "red", ["plots.0.colour: unknown key", "observable"]),
        ("plots.0.of", "c", ["plots.0.of", "'c'"]),
        ("plots.0", {"plot": "p", "kind": "score", "of": "a"}, ["plots.0.of: score is a plot of a model", "'a'"]),
        ("plots.0", {"plot": "p", "kind": "score", "of": "a", "beside": "b"}, ["plots.0.beside: unknown key", "with"]),
        ("plots.0", {"plot": "p", "kind": "phase_diagram", "of": "a", "x": "u", "y": "v", "observables": "chi2"},
         ["plots.0.of", "scan"]),
        ("defaults.lattice", "4by4", ["defaults.lattice"]),
        ("defaults.train", {"nets": "mlp"}, ["defaults.train.nets: unknown key", "net_parameters", "epochs"]),
        ("steps.0", {"train": "m", "of": "b"}, ["steps.0.of", "no earlier step", "'b'", "none"]),
        ("steps.1", {"train": "m", "of": "a", "epoch": 1}, ["steps.1.epoch: unknown key", "epochs"]),
        ("steps.1", {"train": "m", "of": "a", "init": "n"}, ["steps.1.init", "'n'"]),
        ("steps.1", {"sample": "s", "model": "a", "method": "sde"}, ["steps.1.model", "'a'", "none"]),
        ("table.0.reference", {"of": "z"}, ["table.0.reference.of", "'z'", "a, b"]),
        ("table.0.reference", "precise", ["table.0.reference: should be 'exact'"]),
        ("profiles", {"gpu": 1}, ["profiles.gpu"]),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_file_and_key(small, written, key, value, said):
    change(small, key, value)
    path = written(small)
    with pytest.raises(UsageError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    for part in said:
        assert part in text


@pytest.mark.parametrize(
    "text", ["a: [1", "\t- x", "!!python/object/apply:os.system ['true']", "\x00", "just words", "[1, 2]", ""]
)
def test_what_is_no_recipe_is_refused_in_one_line(written, text):
    path = written(text)
    with pytest.raises(UsageError, match=r"\A[^\n]*recipe\.yaml: [^\n]+\Z"):
        load(path)


def test_a_missing_recipe_names_those_there_are(tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "one.yaml").write_text("x: 1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="one"):
        load("two")


def test_settings_replace_entries_by_name_or_number(small, written):
    settings = {"steps.b.draws": "7", "steps.0.chains": "3", "defaults.parameters.mass2": "2.0", "description": "other"}
    recipe = load(written(small), settings)
    assert (recipe.steps[1].draws, recipe.steps[0].chains, recipe.description) == (7, 3, "other")
    assert recipe.defaults.parameters == {"mass2": 2.0}


@pytest.mark.parametrize("key", ["steps.c.draws", "steps.5.draws", "defalts.draws", "name.x", "steps.a.generate.x"])
def test_a_setting_that_points_nowhere_is_wrong_usage(small, written, key):
    with pytest.raises(UsageError, match=f"--set {key}"):
        load(written(small), {key: "1"})


def test_a_profile_replaces_entries_before_the_settings_do(small, written):
    small["profiles"] = {"gpu": {"steps.a.draws": 7, "defaults.lattice": "8x8", "steps.b.chains": 5}}
    path = written(small)
    assert load(path).steps[0].draws is None
    recipe = load(path, {"steps.a.draws": "9"}, "gpu")
    assert (recipe.steps[0].draws, recipe.steps[1].chains, recipe.defaults.lattice) == (9, 5, (8, 8))


def test_an_unknown_profile_names_those_there_are(small, written):
    small["profiles"] = {"gpu": {"steps.z.draws": 7}}
    path = written(small)
    with pytest.raises(UsageError, match=r"recipe\.yaml: there is no profile 'tpu'; there are: cpu, gpu"):
        load(path, profile="tpu")
    with pytest.raises(
        UsageError, match=r"recipe\.yaml: profiles\.gpu\.steps\.z\.draws: no entry 'z'; there are: a, b"
    ):
        load(path, profile="gpu")


def test_what_belongs_to_another_profile_is_left_out_and_the_rest_keeps_its_number(small, written):
    small["profiles"] = {"gpu": {}}
    small["table"][0]["only"] = small["steps"][0]["only"] = "gpu"
    del small["steps"][1]["start"], small["plots"]
    path = written(small)
    with pytest.raises(UsageError, match=r"table\.2\.of: no ensemble 'a'; the steps are: b"):
        load(path)
    assert len(load(path, profile="gpu").steps) == 2


def test_recipes_know_every_kind_of_plot():
    assert set(SeriesPlot.model_json_schema()["properties"]["kind"]["enum"]) == set(KINDS)
    assert set(ModelPlot.model_json_schema()["properties"]["kind"]["enum"]) == set(MODEL_KINDS)
