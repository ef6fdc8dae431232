"""`export`: the format follows the name, weights go along, chains that have not begun are named, nothing is harmed."""

import csv
import json
import re

import numpy as np
import pytest

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.philox import Stream

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


SU3 = ("--theory", "sun", "-p", "n=3", "-p", "beta=5.5")
EXTENTS = (2, 3, 2, 4)


def write_links(path, fields, extents=EXTENTS, n=3, dtype="complex128", log_weight=None, **attributes):
    """An ensemble of links of SU(n), fields[chain][draw]."""
    lattice = Lattice(extents)
    links, stats = GroupLinks(n, True), {} if log_weight is None else {"log_weight": "float64"}
    chains, draws = len(fields), max(map(len, fields))
    layout = store.Layout(
        "u", links.site(lattice), links.axes(lattice), dtype, stats, chains=chains, target_draws=draws
    )
    said = {"theory": "sun", "parameters": {"n": n, "beta": 5.5}, "lattice": list(extents), "exactness": "exact"}
    store.create(path, layout, said | attributes, durable=False)
    for chain, drawn in enumerate(fields):
        with store.Writer(path, chain, durable=False) as writer:
            block = np.array(drawn, dtype)[None]
            numbers = {} if log_weight is None else {"log_weight": np.array(log_weight)[None, chain, : len(drawn)]}
            writer.commit(block, numbers, block[:, -1], [b"state"], 0)
    return path


def hot(draws, extents=EXTENTS, n=3, seed=3):
    return [GroupLinks(n, True).hot(Lattice(extents), Stream(seed, draw)) for draw in range(draws)]


class TestFolders:
    """`nersc` and `ildg`: a folder with one file a configuration of 4D SU(3)."""

    @pytest.fixture
    def links(self, tmp_path):
        return write_links(tmp_path / "u", [hot(3), hot(2, seed=4)])

    @pytest.mark.parametrize("form", ["nersc", "ildg"])
    def test_generated_links_come_back(self, sq, tmp_path, form):
        method = ("--algorithm", "langevin", "-a", "step_size=0.02", "--chains", 1, "--draws", 3, "--warmup", 1)
        made = tmp_path / "made"
        assert sq("generate", made, *SU3, "--lattice", "2x3x2x4", *method, "--seed", 1).code == 0
        result = sq("export", made, tmp_path / "out", "--format", form)
        assert (result.code, result.out, result.err) == (0, "", f"sqcli: wrote 3 configurations into {tmp_path}/out\n")
        files = sorted((tmp_path / "out").iterdir())
        assert [file.name for file in files] == [f"chain0_draw000{draw}.{form}" for draw in range(3)]
        result = sq("import", *files, tmp_path / "back", *SU3)
        assert (result.code, len(result.err.splitlines())) == (0, 1)
        there, back = store.open_ensemble(made), store.open_ensemble(tmp_path / "back")
        np.testing.assert_allclose(back.fields(0), there.fields(0), rtol=0, atol=1e-15)
        assert back.attrs["lattice"] == list(EXTENTS)
        assert back.attrs["imported"]["gaps"] == []
        value, again = (
            json.loads(sq("measure", path, "--obs", "plaquette", "--format", "json").out)["estimates"][0]["value"]
            for path in (made, tmp_path / "back")
        )
        assert again == pytest.approx(value, abs=1e-12)
        shown = sq("show", tmp_path / "back").out
        assert f"chain0_draw0000.{form}, chain0_draw0001.{form}, chain0_draw0002.{form}" in shown

    @pytest.mark.parametrize("dtype", ["complex64", "complex128"])
    def test_every_draw_of_every_chain_in_its_precision(self, sq, tmp_path, dtype):
        fields = [hot(3), hot(2, seed=4)]
        path = write_links(tmp_path / "u", fields, dtype=dtype)
        assert sq("export", path, tmp_path / "out", "--format", "ildg").code == 0
        assert len(list((tmp_path / "out").iterdir())) == 5
        files = sorted((tmp_path / "out").iterdir())
        result = sq("import", *files, tmp_path / "back", *SU3, "--join", "streams")
        assert (result.code, len(result.err.splitlines())) == (0, 1)
        back = store.open_ensemble(tmp_path / "back")
        assert back.chains == 2
        for chain, drawn in enumerate(fields):
            np.testing.assert_array_equal(back.fields(chain), np.array(drawn, dtype))
        assert [file["number"] for file in back.attrs["imported"]["files"]] == [0, 1, 2, 0, 1]

    def test_weights_stand_beside_the_files(self, sq, tmp_path):
        said = {"exactness": {"status": "weighted", "reason": "paths"}}
        path = write_links(tmp_path / "u", [hot(2)], log_weight=[[0.1, -np.inf]], **said)
        assert sq("export", path, tmp_path / "out", "--format", "nersc").code == 0
        lines = (tmp_path / "out" / "log_weight.csv").read_text().splitlines()
        assert lines == ["file,log_weight", "chain0_draw0000.nersc,0.1", "chain0_draw0001.nersc,-inf"]

    @pytest.mark.parametrize(
        ("n", "extents", "named"), [(2, EXTENTS, r"SU\(2\)"), (3, (2, 3, 2), "2x3x2"), (4, (2, 4), "2x4")]
    )
    def test_other_groups_and_dimensions_are_refused(self, sq, tmp_path, n, extents, named):
        path = write_links(tmp_path / "u", [hot(1, extents, n)], extents, n)
        result = sq("export", path, tmp_path / "out", "--format", "nersc")
        assert (result.code, len(result.err.splitlines())) == (1, 1)
        assert re.search(rf"SU\(3\) in four dimensions.*{named}", result.err)
        assert [entry.name for entry in tmp_path.iterdir()] == ["u"]

    def test_other_theories_are_refused(self, sq, ensemble, tmp_path):
        result = sq("export", ensemble, tmp_path / "out", "--format", "ildg")
        assert (result.code, len(result.err.splitlines())) == (1, 1)
        assert "SU(3) in four dimensions (sun, n=3), not phi of free on 2x3" in result.err

    def test_only_exported_files_are_replaced(self, sq, links, tmp_path):
        out = tmp_path / "out"
        assert sq("export", links, out, "--format", "nersc").code == 0
        result = sq("export", links, out, "--format", "ildg")
        assert (result.code, len(result.err.splitlines())) == (1, 1)
        assert "--force" in result.err
        assert sq("export", links, out, "--format", "ildg", "--force").code == 0
        assert {file.suffix for file in out.iterdir()} == {".ildg"}
        (out / "notes.txt").write_text("mine")
        before = sorted(out.iterdir())
        assert "holds notes.txt" in sq("export", links, out, "--format", "nersc", "--force").err
        assert sorted(out.iterdir()) == before
        assert "is no folder" in sq("export", links, out / "notes.txt", "--format", "nersc", "--force").err
        assert "no exported configuration" in sq("export", links, links, "--format", "nersc", "--force").err
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out", "u"]

    def test_what_a_killed_export_left_is_replaced(self, sq, links, tmp_path):
        for word in ("partial", "replaced"):
            (tmp_path / f"out.{word}").mkdir()
            (tmp_path / f"out.{word}" / "chain0_draw0007.nersc.partial").write_text("cut")
        assert sq("export", links, tmp_path / "out", "--format", "nersc").code == 0
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out", "u"]
        assert len(list((tmp_path / "out").iterdir())) == 5

    @pytest.mark.parametrize("force", [(), ("--force",)])
    def test_a_failure_leaves_what_was_there(self, sq, links, tmp_path, monkeypatch, force):
        if force:
            assert sq("export", links, tmp_path / "out", "--format", "nersc").code == 0
        before = sorted(tmp_path.rglob("out*/*"))

        def full(form, fields, name):
            if "draw0001" in name:
                raise OSError(28, "No space left on device")
            return b"x"

        monkeypatch.setattr("sqcli.runs.export_links.links_written", full)
        result = sq("export", links, tmp_path / "out", "--format", "nersc", *force)
        assert (result.code, len(result.err.splitlines())) == (1, 1)
        assert "no space left" in result.err
        assert sorted(tmp_path.rglob("out*/*")) == before

    @pytest.mark.parametrize("arguments", [["x.nersc"], ["x.npz", "--format", "ildg"], ["x.ildg", "--format", "nersc"]])
    def test_a_name_that_contradicts_is_wrong_usage(self, sq, links, tmp_path, monkeypatch, arguments):
        monkeypatch.chdir(tmp_path)
        assert sq("export", links, *arguments).code == 2
        assert [entry.name for entry in tmp_path.iterdir()] == ["u"]
