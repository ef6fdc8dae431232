"""Recipes say in one line what is wrong with them: file, key, what is allowed."""

import pytest

from sqcli.errors import UsageError
from sqcli.figures import kind_of, kinds
from sqcli.options import asked
from sqcli.recipes._load import load
from sqcli.recipes._model import Recipe


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
        ("table.0.reference", {"value": "1+k", "source": "x"}, ["table.0.reference.value: must be", "0.4-0.1j"]),
        ("table.0.reference", {"value": 1, "error": "1-1j", "source": "x"}, ["must be at least 0"]),
        ("table.0.quantity", "tau", ["table.0.quantity", "'value', 'tau_int' or 'ess'"]),
        ("plots.0.kind", "pie", ["plots.0", "history", "phase_diagram"]),
        ("plots.0.colour", "red", ["plots.0.colour: unknown key", "observable"]),
        ("plots.0.of", "c", ["plots.0.of", "'c'"]),
        ("plots.0", {"plot": "p", "kind": "score", "of": "a"}, ["plots.0.of: score is a plot of a model", "'a'"]),
        ("plots.0", {"plot": "p", "kind": "cumulants", "of": "a", "ensemble": "b"},
         ["plots.0.ensemble: unknown key", "with", "times", "levels"]),
        ("plots.0.options", {"axis": 0}, ["plots.0.options", "'axis'"]),
        ("plots.0", {"plot": "p", "kind": "phase_diagram", "of": "a", "x": "u", "y": "v", "observables": "chi2"},
         ["plots.0.of", "scan"]),
        ("plots.0", {"plot": "p", "kind": "phase_diagram", "of": "a", "x": "u", "y": "v"},
         ["plots.0.observables: is missing"]),
        ("plots.0", {"plot": "p", "kind": "phase_diagram", "of": "a", "x": "u", "y": "v", "observables": "chi2",
                     "marks": [{"x": 1, "y": 2, "label": "c", "colour": "red"}]}, ["plots.0.marks.0.colour"]),
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
    with pytest.raises(UsageError, match=r"table\.2\.of: no ensemble 'a'; there are: b"):
        load(path)
    assert len(load(path, profile="gpu").steps) == 2


def test_recipes_know_every_kind_of_plot_and_all_of_its_options():
    schema = Recipe.model_json_schema()
    there = schema["properties"]["plots"]["items"]["discriminator"]["mapping"]
    assert tuple(there) == kinds()
    for kind, at in there.items():
        keys = schema["$defs"][at.rpartition("/")[2]]["properties"]
        options = {each.key for each in asked(kind_of(kind)).values() if each.said.role != "how"}
        assert set(keys) == options | {"only", "plot", "kind", "of"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed: 1", "seed: 1\n  seed: 3", ["the key 'seed' stands twice", "line "]),
        ("name: small", "name: small\nname: other", ["the key 'name' stands twice, first in line "]),
        ("mass2: 1.0", "mass2: .nan", ["'.nan' is not a finite number", "line "]),
        ("mass2: 1.0", "mass2: 1.0e+400", ["'1.0e+400' is not a finite number"]),
        ("value: 0.5", "value: -.inf", ["'-.inf' is not a finite number"]),
        ("value: 0.5", "value: nan", ["table.0.reference.value", "finite number"]),
        ("seed: 1", f"seed: {'9' * 5000}", ["cannot be read as int", "line "]),
        ("seed: 1", f"seed: 0x{'f' * 4000}", ["too large a number"]),
        ("seed: 1", "seed: 2020-13-45", ["steps.0.seed", "integer", "'2020-13-45'"]),
        ("seed: 1", "seed: !!timestamp x", ["cannot be read as timestamp"]),
        ("seed: 1", "seed: !!bool x", ["cannot be read as bool"]),
    ],
)
def test_what_yaml_hides_is_told_with_its_line(small, written, old, new, said):
    import yaml

    text = yaml.safe_dump(small, sort_keys=False)
    assert old in text
    path = written(text.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        load(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert told.isprintable()
    assert len(told) < 300
    for part in said:
        assert part in told


def test_dates_are_texts_and_merged_keys_are_no_repetition(small, written):
    import yaml

    text = yaml.safe_dump(small, sort_keys=False).replace("description: two", "description: 2020-01-02")
    text = text.replace("description: 2020-01-02 short runs of the free field", "description: 2020-01-02")
    text += "profiles:\n  a: &a {steps.a.draws: 3}\n  b: {<<: *a, steps.a.chains: 1}\n  c: {<<: *a, steps.a.draws: 4}\n"
    assert load(written(text)).description == "2020-01-02"
    assert load(written(text), profile="c").steps[0].draws == 4


@pytest.mark.parametrize(("value", "said"), [
    ("1.0e+999", "not a finite number"), ("{a: 1, a: 2}", "stands twice"), ("[", "is no YAML"), ("9" * 5000, "int"),
])  # fmt: skip
def test_a_setting_is_read_as_strictly_as_the_file(small, written, value, said):
    with pytest.raises(UsageError, match=r"--set defaults\.draws: ") as caught:
        load(written(small), {"defaults.draws": value})
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


def test_names_that_are_no_ensemble_say_what_they_are(small, written):
    small["steps"].append({"generate": "l16", "algorithm": "metropolis", "scan": {"mass2": [1.0, 2.0]}})
    small["steps"].append({"train": "net", "of": "a", "epochs": 1})
    for of, said in (
        ("l16", "'l16' is a scan, not one ensemble; its points are: l16/mass2=1.0, l16/mass2=2.0"),
        ("l16/mass2=3.0", "l16 has no point 'l16/mass2=3.0'; what it makes: l16/mass2=1.0"),
        ("net", "'net' is a model, made by a train step; the ensembles are: a, b, l16/mass2=1.0"),
        ("zz", "no ensemble 'zz'; there are: a, b, l16/mass2=1.0"),
    ):
        small["table"][0]["of"] = of
        with pytest.raises(UsageError, match=r"table\.0\.of") as caught:
            load(written(small))
        assert said in str(caught.value)
    small["table"][0]["of"] = "a"
    for step, said in (
        ({"train": "n", "of": "net"}, "no earlier step makes an ensemble 'net' (net makes a model)"),
        ({"train": "n", "of": "late"}, "(late is made by this step or a later one)"),
        ({"sample": "s", "model": "a"}, "no earlier step makes a model 'a' (a makes an ensemble)"),
    ):
        late = {"generate": "late", "algorithm": "metropolis"}
        with pytest.raises(UsageError, match="steps") as caught:
            load(written(small | {"steps": [*small["steps"], step, late]}))
        assert said in str(caught.value)


def test_scans_make_names_of_folders_and_not_too_many(small, written):
    def told(**scan):
        small["steps"] = [{"generate": "s", "algorithm": "metropolis", "scan": scan}]
        small["table"] = small["plots"] = []
        with pytest.raises(UsageError, match="steps") as caught:
            load(written(small))
        return str(caught.value)

    assert "cannot be part of a name" in told(mass2=["../../up"])
    assert "cannot be part of a name" in told(mass2=["a/b"])
    assert "'1.0' stands twice" in told(mass2=[1.0, 1.0])
    assert "make 1000000 ensembles, 10000 at most" in told(mass2=list(range(1000)), kappa=list(range(1000)))
