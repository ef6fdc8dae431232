"""An ensemble from somebody else may hold links: whatever is done to it, nothing but the ensemble itself changes."""

import contextlib
import os
import shutil

import numpy as np
import pytest
import toychain

from sqcli import store
from sqcli.errors import SqcliError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """7 of 24 draws of two chains, and a series of which 5 draws are kept."""
    path = store.create(tmp_path_factory.mktemp("sound") / "e", toychain.layout(2), {"theory": "toy"}, durable=False)
    for chain in range(2):
        toychain.run(path, chain, target=7)
    keep(path, 5)
    return path


def keep(path, draws):
    series = [np.arange(float(draws))] * 2
    store.write_observable(path, "mean", series, attributes=toychain.MEAN, durable=False)


def everything(path):
    """Whatever a command may write."""
    for act in (
        lambda: keep(path, 7),
        lambda: store.write_observable(path, "other", [np.zeros(7)] * 2, attributes=toychain.SQUARE, durable=False),
        lambda: store.extend(path, 30, durable=False),
        lambda: toychain.run(path, 0, block=32),
        lambda: toychain.run(path, 1, block=32),
        lambda: store.check(path),
        lambda: store.open_ensemble(path).stat("delta_h"),
    ):
        with contextlib.suppress(SqcliError):
            act()


def tree(path):
    """Every name below `path`, with its bytes."""
    return {
        str(file.relative_to(path)): file.readlink() if file.is_symlink() else file.is_file() and file.read_bytes()
        for file in sorted(path.rglob("*"))
    }


def places(path):
    """All that there is, and all that would be written: partial files, locks, a new series, later chunks."""
    there = [str(file.relative_to(path)) for file in path.rglob("*")]
    partial = [f"{name}.partial" for name in there if "." in name.rpartition("/")[2] and not name.endswith(".lock")]
    scratch = [f"checkpoint/record/{name}" for name in ("zarr.json.partial", "observable.new", "group-00001.lock")]
    later = ["observables/other", "configurations/phi/c.0.1.0.0", "configurations/phi/c.0.1.0.0.partial"]
    return sorted({*there, *partial, *scratch, *later})


LINKS = {
    "link": lambda place, target: place.symlink_to(target),
    "hard": lambda place, target: (
        shutil.copytree(target, place, copy_function=os.link) if target.is_dir() else place.hardlink_to(target)
    ),
    "dangling": lambda place, target: place.symlink_to(target.with_name(f"{target.name}-absent")),
}


@pytest.mark.parametrize("kind", LINKS)
def test_no_link_is_followed_on_write(sound, tmp_path, kind):
    for number, name in enumerate(places(sound)):
        here = tmp_path / str(number)
        path, precious = here / "e", here / "precious"
        shutil.copytree(sound, path)
        original = path / name
        precious.mkdir(parents=True)
        target = precious / original.name
        if original.is_dir():
            shutil.copytree(original, target)
            shutil.rmtree(original)
        else:
            target.write_bytes(original.read_bytes() if original.exists() else b"precious")
            original.unlink(missing_ok=True)
        LINKS[kind](original, target)
        before = tree(precious)
        everything(path)
        assert tree(precious) == before, name


@pytest.mark.parametrize("name", ["observables", "checkpoint", "checkpoint/record", "observables/mean"])
def test_linked_directories_are_named(sound, tmp_path, name):
    path = shutil.copytree(sound, tmp_path / "e")
    (path / name).rename(tmp_path / "elsewhere")
    (path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SqcliError, match=f"{name}: is a link; refused for writing"):
        keep(path, 7)
    assert [len(values) for values in store.read_observable(path, "mean").values] == [5, 5]


def test_an_ensemble_that_is_itself_a_link_is_used_where_it_leads(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "e")
    path = store.create(tmp_path / "link", toychain.layout(1), {})
    assert path == tmp_path / "disk" / "e"
    toychain.run(tmp_path / "link")
    assert store.open_ensemble(tmp_path / "link").draws.tolist() == [24]
    assert store.extend(tmp_path / "link", 30) == 30
    store.create(tmp_path / "link", toychain.layout(1), {}, force=True)
    assert (tmp_path / "link").is_symlink()
    assert store.open_ensemble(tmp_path / "link").draws.tolist() == [0]
    assert [entry.name for entry in (tmp_path / "disk").iterdir()] == ["e"]
