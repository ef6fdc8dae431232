"""`export`: the format follows the name, weights go along, chains that have not begun are named, nothing is harmed."""

import csv

import numpy as np
import pytest

from sqcli import store
from sqcli.errors import SqcliError

SITE = (2, 3)


def write(path, lengths, stats=(), **attributes):
    """An ensemble whose chains have so many draws; the numbers of draw j are j + 1."""
    layout = store.Layout(
        "phi", SITE, ("x", "y"), stats=dict.fromkeys(stats, "float64"), chains=len(lengths), target_draws=6
    )
    said = {"theory": "free", "parameters": {"mass2": 0.5}, "lattice": list(SITE), "exactness": "exact"}
    store.create(path, layout, said | attributes, durable=False)
    for chain, n in enumerate(lengths):
        with store.Writer(path, chain, durable=False) as writer:
            if n:
                fields = np.full((1, n, *SITE), float(chain + 1))
                numbers = {name: np.arange(1.0, n + 1)[None] for name in stats}
                writer.commit(fields, numbers, fields[:, -1], [b"state"], 0)
    return path


@pytest.fixture
def ensemble(tmp_path):
    return write(tmp_path / "e", (6, 6))


@pytest.fixture
def weighted(tmp_path):
    return write(tmp_path / "w", (6, 6), stats=("log_weight",), exactness={"status": "weighted", "reason": "paths"})


@pytest.mark.parametrize(("name", "magic"), [("x.npz", b"PK"), ("x.npy", b"\x93NUMPY"), ("x.NPY", b"\x93NUMPY")])
def test_the_format_follows_the_name(sq, ensemble, tmp_path, name, magic):
    assert sq("export", ensemble, tmp_path / name).code == 0
    assert (tmp_path / name).read_bytes().startswith(magic)


@pytest.mark.parametrize("arguments", [
    ["x.h5"], ["x"], ["-"], ["x.npz.gz"], ["x.json"], ["x.npy", "--format", "npz"], ["x.csv", "--format", "npy"],
    ["x.h5", "--format", "npz"], ["-", "--format", "csv"],
])  # fmt: skip
def test_a_name_that_does_not_fit_is_wrong_usage(sq, ensemble, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    result = sq("export", ensemble, *arguments)
    assert result.code == 2
    assert "npz, npy, csv" in result.err.splitlines()[-1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["e"]


def test_a_name_without_a_format_of_ours_takes_the_one_that_is_said(sq, ensemble, tmp_path):
    assert sq("export", ensemble, tmp_path / "fields.dat", "--format", "npy").code == 0
    assert np.load(tmp_path / "fields.dat").shape == (2, 6, *SITE)


def test_weights_go_along(sq, weighted, tmp_path):
    store.write_observable(weighted, "m", [np.ones(6), np.ones(6)])
    assert sq("export", weighted, tmp_path / "w.csv").code == 0
    rows = list(csv.DictReader((tmp_path / "w.csv").read_text().splitlines()))
    assert [float(row["log_weight"]) for row in rows] == [1, 2, 3, 4, 5, 6] * 2
    assert sq("export", weighted, tmp_path / "w.npz").code == 0
    assert np.load(tmp_path / "w.npz")["log_weight"].shape == (2, 6)
    result = sq("export", weighted, tmp_path / "w.npy")
    assert result.code == 1
    assert "carry weights" in result.err
    assert not (tmp_path / "w.npy").exists()


@pytest.mark.parametrize(
    ("lengths", "named"), [((4, 0), "chain 1 of 2"), ((0, 3, 0, 0, 2, 0), "chains 0, 2-3, 5 of 6")]
)
def test_chains_that_have_not_begun_are_named(sq, tmp_path, lengths, named):
    path = write(tmp_path / "e", lengths)
    for name in ("x.npz", "x.npy"):
        result = sq("export", path, tmp_path / name)
        assert result.code == 1
        assert named in result.err
        assert not (tmp_path / name).exists()
    ensemble = store.open_ensemble(path)
    for use in (lambda: ensemble["phi"], ensemble.to_xarray):
        with pytest.raises(SqcliError, match=named):
            use()
    store.write_observable(path, "m", [np.ones(n) for n in lengths])
    assert sq("export", path, tmp_path / "x.csv").code == 0
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 1 + sum(lengths)


def test_what_is_cut_off_is_said(sq, tmp_path):
    path = write(tmp_path / "e", (2, 5, 3))
    result = sq("export", path, tmp_path / "x.npy")
    assert (result.code, np.load(tmp_path / "x.npy").shape) == (0, (3, 2, *SITE))
    assert "the 2 draws that all chains have (of up to 5)" in result.err


def test_nothing_committed(sq, tmp_path):
    path = write(tmp_path / "e", (0, 0))
    assert store.open_ensemble(path)["phi"].shape == (2, 0, *SITE)
    assert "no draw is committed yet" in sq("export", path, tmp_path / "x.npz").err


def test_a_link_stays_and_its_target_is_written(sq, ensemble, tmp_path):
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "x.npy", tmp_path / "real" / "y.npy"
    link.symlink_to(target)
    assert sq("export", ensemble, link).code == 0
    assert sq("export", ensemble, link).code == 1
    assert sq("export", ensemble, link, "--force").code == 0
    assert link.is_symlink()
    assert np.load(target).shape == (2, 6, *SITE)
    assert [entry.name for entry in target.parent.iterdir()] == ["y.npy"]


def test_an_ensemble_is_not_written_into(sq, ensemble, tmp_path):
    (tmp_path / "inside.npz").symlink_to(ensemble / "zarr.json")
    before = (ensemble / "zarr.json").read_bytes()
    for out in (ensemble / "x.npz", tmp_path / "inside.npz"):
        assert "lies inside the ensemble" in sq("export", ensemble, out, "--force").err
    assert (ensemble / "zarr.json").read_bytes() == before
    assert not (ensemble / "x.npz").exists()


def test_foreign_texts_are_shown_as_they_are_and_no_formula(sq, tmp_path):
    nasty = "=1+1\x1b[2J\x9b1m\u202e"
    path = write(tmp_path / "e", (6,), algorithm=nasty, created_at=nasty)
    store.write_observable(path, "m", [np.ones((6, 1))], components=(nasty,))
    store.write_observable(path, "n", [np.ones((6, 1))], components=("1",))
    (path / "observables" / "n").rename(path / "observables" / "=n")
    for form in ("table", "json"):
        shown = sq("show", path, "--format", form)
        assert shown.code == 0
        assert all(character.isprintable() or character == "\n" for character in shown.out)
    assert sq("export", path, tmp_path / "x.csv").code == 0
    (head,) = csv.reader((tmp_path / "x.csv").read_text().splitlines()[:1])
    assert head[2] == "'=n[1]"
    assert all(name.isprintable() and not name.startswith("=") for name in head)
