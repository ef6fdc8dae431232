"""The command `plot`: ensembles and models, its options, and what it says."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from drawn import free_fields, write
from models import known_model

from sqcli import registry
from sqcli.cli.figure_options import all_options
from sqcli.figures import kind_of, kinds
from sqcli.options import asked


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return known_model(tmp_path / "m", (1,), "gaussian_mixture", mu0=1.0, sigma0=0.25)


@pytest.fixture
def ensemble(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "e", free_fields((4, 4), 0.5, 2, 20, 1))


def test_a_figure_of_a_model_says_its_numbers(sq, model):
    result = sq("plot", model, "--kind", "score", "--times", "0.2,0.1", "--device", "cpu")
    lines = result.err.splitlines()
    assert (result.code, result.out, len(lines)) == (0, "", 3)
    assert lines[0].startswith("sqcli: t = 0.1: relative deviation of the score ")
    assert lines[-1] == "sqcli: wrote score.png"
    assert Path("score.png").stat().st_size > 1000


def test_options_of_models_reach_them(sq, fake):
    calls = []

    def plot(path, kind, out, **options):
        calls.append((path, kind, out, {name: value for name, value in options.items() if value}))
        return SimpleNamespace(path=out, lines=["R^2 = 1"])

    fake("sqcli.figures", plot=plot)
    line = "m --kind effective_action --with e --draws 9 --method ode -a n_steps=5 --seed 3 --levels 0.5,2 --out x.pdf"
    result = sq("plot", *line.split(), "--device", "cpu")
    assert (result.code, result.err) == (0, "sqcli: R^2 = 1\nsqcli: wrote x.pdf\n")
    options = {"ensemble": Path("e"), "levels": (0.5, 2.0), "draws": 9, "method": "ode"}
    options |= {"method_parameters": {"n_steps": "5"}, "seed": 3, "device": "cpu"}
    assert calls == [(Path("m"), "effective_action", Path("x.pdf"), options)]


def test_a_figure_of_an_ensemble_is_named_after_it(sq, ensemble):
    assert sq("plot", ensemble, "--kind", "rho").err == "sqcli: wrote rho-magnetization.png\n"
    assert sq("plot", ensemble, "--obs", "action", "--quiet").err == ""
    assert Path("history-action.png").exists()
    result = sq("plot", ensemble, "--obs", "correlator[1]", "-o", "axis=0", "--out", "c.svg")
    assert result.err == "sqcli: wrote c.svg\n"
    assert "axis=0" in Path("c.svg").read_text(encoding="utf-8")


def test_options_read_from_the_text_are_those_of_the_loaded_kinds(monkeypatch):
    """Both where the text says all, and where a file needs names of its own and is imported."""
    loaded = {}
    for kind in kinds():
        loaded |= {name: each for name, each in asked(kind_of(kind)).items() if each.said.role != "recipe"}
    for text in (registry.declarations, lambda *_: {"name": ("int", "OWN")}):
        monkeypatch.setattr(registry, "declarations", text)
        read = asked(all_options())
        assert {(name, each.kind, each.flags) for name, each in read.items()} == {
            (name, each.kind, each.flags) for name, each in loaded.items()
        }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{m} --kind pie", "denoising"),
        ("{m}", "is a model"),
        ("{m} --kind score --times 0.1,x", "--times: 'x' is not a number"),
        ("{m} --kind score --levels -1", "--levels"),
        ("{m} --kind score --obs action", "--obs: score"),
        ("{m} --kind score -a n_steps", "-a takes NAME=VALUE"),
        ("{m} --kind score -a n_steps=3", "-a: score of a model takes --times"),
        ("{m} --kind score --with e", "--with: score"),
        ("{m} --kind rho --with e", "--with is for plots of models"),
        ("{m} --kind rho --draws 3", "--draws is for plots of models"),
        ("{m} --kind rho -o axis=0 -o axis=1", "given twice"),
        ("{m} --kind phase_diagram", "of a scan"),
        ("{m} --kind score --draws 0", "does not lie between"),
        ("{m} --kind score --out x.gif", ".png, .pdf, .svg"),
    ],
)
def test_errors_are_one_line(sq, model, line, says):
    result = sq("plot", *line.format(m=model).split())
    assert result.code == 2
    assert says in result.err
    assert len(result.err.strip().splitlines()) == 2  # with the usage
    assert [path.name for path in Path().iterdir()] == ["m"]


def test_no_model_and_no_ensemble(sq, tmp_path):
    for kind in ("score", "acceptance", "history"):
        result = sq("plot", tmp_path / "none", "--kind", kind, "--out", tmp_path / "x.png")
        assert result.code == 1
        assert "none" in result.err
        assert len(result.err.splitlines()) == 1
