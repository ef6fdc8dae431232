"""`sqcli train` and `sqcli show MODEL` as users meet them."""

import json

import pytest


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    from sqcli.cli._main import run

    path = tmp_path_factory.mktemp("train") / "e"
    command = (
        f"generate {path} --theory phi4 --lattice 4x4 -p kappa=0.2 -p lambda=0.022 --algorithm hmc -a n_steps=5 "
        "-a step_size=0.2 --chains 2 --draws 40 --warmup 20 --seed 1 --quiet"
    )
    assert run(command.split()) == 0
    return path


SMALL = (
    "--net",
    "mlp",
    "--schedule",
    "ve",
    "--objective",
    "dsm",
    "-a",
    "width=8",
    "-a",
    "schedule.sigma=20",
    "-a",
    "objective.weighting=sigma2",
)


def test_train_and_show(sq, ensemble, tmp_path):
    path = tmp_path / "m"
    told = sq("train", ensemble, "--out", path, *SMALL, "--epochs", 2, "--seed", 3)
    assert (told.code, told.out) == (0, "")
    assert told.err.startswith("sqcli: trained 2 steps, 2 epochs (loss ")
    assert told.err.count("\n") == 1
    again = sq("train", ensemble, "--out", path)
    assert (again.code, again.out, again.err) == (0, "", "sqcli: nothing to do: the model is finished\n")
    shown = json.loads(sq("show", path, "--format", "json").out)
    assert shown["net_parameters"]["width"] == 8
    assert shown["schedule_parameters"]["sigma"] == 20
    assert shown["objective_parameters"]["weighting"] == "sigma2"
    assert shown["parents"][0]["draws"] == 40
    assert shown["finished"] is True
    table = sq("show", path).out
    assert "kappa = 0.2" in table
    assert "identity" in table


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--net", "mpl", "--epochs", 1), 2, "did you mean 'mlp'"),
        (("--epochs", 1, "-a", "chanels=3"), 2, "allowed: channels"),
        (("--epochs", 1, "-a", "schedule.beta=3"), 2, "schedule geometric has no parameter 'beta'; allowed: level_min"),
        (("--epochs", 1, "-a", "width"), 2, "-a takes NAME=VALUE"),
        (("--epochs", 0), 2, "between 1 and"),
        (("--epochs", 1, "--ema", 2), 2, "--ema"),
        (("--epochs", 1, "--time-limit", "soon"), 2, "--time-limit"),
        (("--epochs", 1, "--init", "nowhere"), 1, "nowhere: no such model"),
        (("--net", "mlp"), 2, "give --epochs"),
    ],
)
def test_wrong_usage(sq, ensemble, tmp_path, options, code, told):
    found = sq("train", ensemble, "--out", tmp_path / "m", *options)
    assert (found.code, found.out) == (code, "")
    assert told in found.err
    assert "Traceback" not in found.err
    assert not (tmp_path / "m").exists()


def test_paths_that_are_something_else(sq, ensemble, tmp_path):
    found = sq("train", ensemble, "--out", ensemble, *SMALL, "--epochs", 1)
    assert found.code == 1
    assert "not a model" in found.err
    found = sq("train", tmp_path / "nothing", "--out", tmp_path / "m", *SMALL, "--epochs", 1)
    assert found.code == 1
    assert str(tmp_path / "nothing") in found.err
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.yaml").write_text("a: *b")
    found = sq("show", tmp_path / "model")
    assert found.code == 1
    assert "model.yaml: damaged" in found.err


def test_a_model_is_no_ensemble_and_an_ensemble_no_model(sq, ensemble, tmp_path):
    model = tmp_path / "m"
    assert sq("train", ensemble, "--out", model, *SMALL, "--epochs", 1).code == 0
    for command in (
        ("measure", model, "--obs", "chi2"), ("autocorr", model, "--obs", "chi2"), ("verify", model), ("check", model),
        ("export", model, tmp_path / "x.npz"), ("train", model, "--out", tmp_path / "n", *SMALL, "--epochs", 1),
        ("generate", tmp_path / "g", "--theory", "phi4", "--lattice", "4x4", "-p", "kappa=0.2", "-p", "lambda=0.02",
         "--algorithm", "hmc", "--draws", 1, "--warmup", 5, "--start", model),
    ):  # fmt: skip
        found = sq(*command)
        assert (found.code, found.out) == (1, ""), command
        assert f"{model}: is a model, not an ensemble" in found.err
    assert "is a model, of which there are the plots" in sq("plot", model, "--kind", "history").err
    found = sq("sample", ensemble, tmp_path / "s", "--method", "path", "--draws", 2)
    assert found.code == 1
    assert f"{ensemble}: is an ensemble, not a model" in found.err


def test_objectives_are_listed(sq):
    assert "dsm" in sq("list", "objectives").out
    assert "objective.NAME=VALUE" in sq("train", "--help").out
