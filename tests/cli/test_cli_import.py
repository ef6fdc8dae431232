"""`import`: an imported ensemble is one like any other for every command, and says where it comes from."""

import builtins
import json

import numpy as np
import pytest

from sqcli import open_ensemble

THEORY = ("--theory", "free", "-p", "mass2=0.5", "--lattice", "4x6")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with draws of the free field in `draws.npy`, and what is imported from it in `e`."""
    from sqcli.cli._main import run

    folder = tmp_path_factory.mktemp("import")
    made = [
        [
            "generate",
            folder / "made",
            *THEORY,
            "--algorithm",
            "exact",
            "--chains",
            "2",
            "--draws",
            "300",
            "--seed",
            "5",
        ],
        ["export", folder / "made", folder / "draws.npy"],
        ["import", folder / "draws.npy", folder / "e", *THEORY, "--exactness", "exact"],
    ]
    assert [run([str(word) for word in words]) for words in made] == [0, 0, 0]
    return folder


def test_it_says_what_was_taken_for_what_and_can_be_quiet(sq, folder, tmp_path):
    result = sq("import", folder / "draws.npy", tmp_path / "e", *THEORY)
    assert (result.code, result.out) == (0, "")
    assert "2 chains of 300 draws on 4x6" in result.err
    assert "phi (chain, draw, x, y), float64" in result.err
    assert sq("import", folder / "draws.npy", tmp_path / "f", *THEORY, "--quiet").err == ""


@pytest.mark.parametrize(
    "command", [["check"], ["verify"], ["show"], ["measure", "--obs", "chi2"], ["autocorr", "--obs", "chi2"]]
)
def test_every_reader_takes_it(sq, folder, command):
    result = sq(command[0], folder / "e", *command[1:])
    assert (result.code, result.err.count("warning")) == (0, 0)


def test_measured_values_are_those_of_the_original(sq, folder):
    def estimates(name):
        return json.loads(sq("measure", folder / name, "--obs", "chi2", "--format", "json").out)["estimates"]

    assert estimates("e") == estimates("made")


def test_show_says_imported(sq, folder):
    said = json.loads(sq("show", folder / "e", "--format", "json").out)
    assert (said["algorithm"], said["start"], said["seed"]) == ("imported", "imported", None)
    assert said["exactness"]["status"] == "exact"
    assert said["draws"] == [300, 300]


def test_it_is_exported_plotted_and_started_from(sq, folder, tmp_path):
    assert sq("export", folder / "e", tmp_path / "back.npy").code == 0
    assert (tmp_path / "back.npy").read_bytes() == (folder / "draws.npy").read_bytes()
    assert sq("plot", folder / "e", "--obs", "magnetization", "--out", tmp_path / "p.png").code == 0
    start = ("--start", folder / "e", "--algorithm", "exact", "--chains", "2", "--draws", "3", "--warmup", "0")
    assert sq("generate", tmp_path / "on", *THEORY, *start).code == 0
    parent = open_ensemble(tmp_path / "on").attrs["start"]
    assert parent["identity"] == open_ensemble(folder / "e").attrs["identity"]


def test_it_is_trained_on(sq, folder, tmp_path):
    training = ("--net", "spectral", "--epochs", "1", "--batch-size", "64", "--seed", "1")
    result = sq("train", folder / "e", "--out", tmp_path / "m", *training)
    assert result.code == 0, result.err


@pytest.mark.parametrize("command", [
    ("generate", "--extend", "5"), ("generate", *THEORY, "--algorithm", "exact", "--draws", "900"),
])  # fmt: skip
def test_no_command_goes_on_with_it(sq, folder, command):
    result = sq(command[0], folder / "e", *command[1:])
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "imported" in result.err


@pytest.mark.parametrize(("arguments", "word"), [
    (["draws.npy"], "ENS"),
    (["draws.npy", "new", "-p", "mass2=0.5"], "--theory"),
    (["draws.npy", "new", "--theory", "free"], "mass2"),
    (["draws.npy", "new", "--theory", "fee", "-p", "mass2=1"], "free"),
    (["draws.npy", "new", *THEORY, "--join", "files"], "chains"),
    (["draws.npy", "new", *THEORY, "--exactness", "sure"], "exact"),
    (["draws.npy", "new", "--theory", "free", "-p", "mass2=0.5"], "--lattice"),
    (["draws.npy", "new", "--theory", "u1", "-p", "beta=1", "--lattice", "4"], "u1 needs"),
])  # fmt: skip
def test_wrong_usage_is_one_line_after_the_usage(sq, folder, monkeypatch, arguments, word):
    monkeypatch.chdir(folder)
    result = sq("import", *arguments)
    assert (result.code, len(result.err.splitlines())) == (2, 2)
    assert word in result.err
    assert not (folder / "new").exists()


@pytest.mark.parametrize(("arguments", "word"), [
    (["nowhere.npy", "new", *THEORY], "no such file"),
    (["draws.npy", "e", *THEORY], "--force"),
    (["draws.npy", "new", *THEORY[:4], "--lattice", "6x4"], "2x300x4x6"),
])  # fmt: skip
def test_failures_are_one_line(sq, folder, monkeypatch, arguments, word):
    monkeypatch.chdir(folder)
    result = sq("import", *arguments)
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert word in result.err


def test_without_h5py_one_line_says_what_to_install(sq, tmp_path, monkeypatch):
    plain = builtins.__import__

    def without(name, *arguments):
        if name == "h5py":
            raise ModuleNotFoundError("No module named 'h5py'", name="h5py")
        return plain(name, *arguments)

    (tmp_path / "in.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr(builtins, "__import__", without)
    result = sq("import", tmp_path / "in.h5", tmp_path / "e", *THEORY)
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "pip install h5py" in result.err


def test_warnings_of_the_numbering_reach_the_user(sq, tmp_path):
    for number in (1, 2, 5):
        np.save(tmp_path / f"cfg.{number}.npy", np.full((4, 6), float(number)))
    result = sq("import", *sorted(tmp_path.glob("*.npy")), tmp_path / "e", *THEORY)
    assert result.code == 0
    assert "gaps (between 2 and 5)" in result.err
