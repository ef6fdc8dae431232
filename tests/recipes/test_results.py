"""The folder of a recipe's results: what is in the way is told before anything runs, others' files stay."""

import os

import pytest

from sqcli import recipes
from sqcli.errors import SqcliError, UsageError
from sqcli.recipes import _table


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def refused(written, small, out, match, monkeypatch):
    """One line, and no run was begun."""
    monkeypatch.setattr("sqcli.recipes._run.generate", lambda *_: pytest.fail("something ran"))
    with pytest.raises(SqcliError, match=match) as caught:
        recipes.run(written(small), out=out)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["table.json", "table.csv", "m.png"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda place: place.symlink_to("/dev/null")])
def test_what_is_in_the_way_of_a_result_is_told_first(small, written, tmp_path, monkeypatch, name, make):
    (tmp_path / "out").mkdir()
    make(tmp_path / "out" / name)
    refused(written, small, tmp_path / "out", f"{name}: exists and is no file", monkeypatch)


def test_files_in_place_of_folders_are_told_first(small, written, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.write_text("mine")
    refused(written, small, out, "out: ", monkeypatch)
    assert out.read_text() == "mine"
    out.unlink()
    (out / "ensembles").mkdir(parents=True)
    (out / "ensembles" / "b").write_text("mine")
    refused(written, small, out, "b: exists and is no directory", monkeypatch)
    small["steps"][1] = {"generate": "b", "algorithm": "metropolis", "scan": {"mass2": [1.0]}}
    small["table"] = small["plots"] = []
    refused(written, small, out, "b: is no directory", monkeypatch)
    assert (out / "ensembles" / "b").read_text() == "mine"


def test_no_results_go_through_a_link_inside_the_folder(small, written, tmp_path, monkeypatch):
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (out / "ensembles").symlink_to(outside)
    refused(written, small, out, "ensembles: is a link", monkeypatch)
    assert list(outside.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_first(small, written, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda place, mode: place != tmp_path / "out")
    refused(written, small, tmp_path / "out", "out: cannot be written", monkeypatch)


@pytest.mark.parametrize(("change", "told"), [
    ({"skip": 20}, r"table\.1\.skip: 20 draws of b left out, there are 20"),
    ({"observable": "plaquette", "quantity": "value"}, r"table\.1\.observable: b, 4x4, has no plaquette"),
    ({"observable": "plaquette"}, r"table\.1\.observable: b, 4x4, has no plaquette"),
    ({"observable": "correlator", "quantity": "value", "component": 7}, r"table\.1\.component: .*no '7'.*0, 1, 2"),
    ({"observable": "correlator", "quantity": "ess"}, r"table\.1\.component: correlator has no None.*0, 1, 2"),
    ({"observable": "chi2", "quantity": "value", "component": "x"}, r"table\.1\.component: chi2 has no 'x'"),
])  # fmt: skip
def test_a_row_that_no_run_can_give_is_told_first(small, written, tmp_path, change, told):
    small["table"][1] |= change
    for use in (recipes.run, recipes.commands):
        with pytest.raises(UsageError, match=told):
            use(written(small), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_linked_folder_is_used_and_linked_results_leave_their_targets_alone(small, written, tmp_path):
    real, mine = tmp_path / "real", tmp_path / "mine"
    real.mkdir()
    mine.write_text("mine")
    (tmp_path / "out").symlink_to(real)
    for name in ("table.csv", "m.png"):
        (real / name).symlink_to(mine)
    (real / "table.json.partial").symlink_to(mine)
    recipes.run(written(small), out=tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert mine.read_text() == "mine"
    assert (real / "table.csv").read_text().startswith("of,observable")
    assert sorted(path.name for path in real.iterdir()) == ["ensembles", "m.png", "table.csv", "table.json"]


def test_a_table_is_either_the_old_one_or_the_new_one(small, written, tmp_path, monkeypatch):
    out = tmp_path / "out"
    recipes.run(written(small), out=out)
    before = contents(out)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sqcli.files.os.fsync", full)
    monkeypatch.setattr(_table, "EXACT", "another text")
    with pytest.raises(SqcliError, match=r"table\.json.*no space left"):
        recipes.run(written(small), out=out)
    assert contents(out) == before


def test_texts_of_a_recipe_are_no_formulas(small, written, tmp_path):
    small["table"][0]["reference"]["source"] = "=HYPERLINK(1)"
    small["plots"] = []
    recipes.run(written(small), out=tmp_path / "out")
    assert "'=HYPERLINK(1)" in (tmp_path / "out" / "table.csv").read_text()
