"""A pipe, a device, a directory or a huge file in the place of any file of an ensemble: one line, no waiting."""

import os
import shutil
import signal

import numpy as np
import pytest
import toychain

from sqcli import store
from sqcli.errors import SqcliError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """24 draws of a chain, and a series of which 20 are kept."""
    path = store.create(tmp_path_factory.mktemp("sound") / "e", toychain.layout(1), {}, durable=False)
    toychain.run(path, block=32)
    store.write_observable(path, "mean", [np.arange(20.0)], attributes=toychain.MEAN, durable=False)
    return path


@pytest.fixture(autouse=True)
def no_hang():
    """Nothing takes more than a minute unless it waits for ever."""

    def give_up(*_):
        raise AssertionError("waits")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def put_huge(place):
    with place.open("wb") as handle:
        handle.truncate(2**43)


ODD = {
    "pipe": os.mkfifo,
    "directory": lambda place: place.mkdir(),
    "device": lambda place: place.symlink_to("/dev/zero"),
    "huge": put_huge,
    "circle": lambda place: place.symlink_to(place),
}
ACTS = {
    "open": lambda path: np.array(store.open_ensemble(path)["phi"]),
    "stat": lambda path: store.open_ensemble(path).stat("delta_h"),
    "check": store.check,
    "series": lambda path: store.read_observable(path, "mean"),
    "keep": lambda path: store.write_observable(
        path, "mean", [np.arange(4.0)], start=20, attributes=toychain.MEAN, durable=False
    ),
    "write": lambda path: toychain.run(path, target=24),
    "extend": lambda path: store.extend(path, 30, durable=False),
}


def store_says(path):
    """What check finds, and the errors of everything else that is done to an ensemble."""
    faults, lines = [], []
    for name, act in ACTS.items():
        try:
            answer = act(path)
        except SqcliError as error:
            lines.append(str(error))
        else:
            faults += answer if name == "check" else []
    return faults, lines


@pytest.mark.parametrize("kind", ODD)
def test_odd_files_are_refused_in_one_line(sound, tmp_path, kind):
    idle = f"c.0.{1 - store.open_ensemble(sound).records[0, 2]}."  # of the checkpoint, written before it is read
    files = [file.relative_to(sound) for file in sound.rglob("*") if file.is_file()]
    used = sorted(str(file) for file in files if file.parts[0] != "checkpoint" or not file.name.startswith(idle))
    for number, name in enumerate(used):
        path = shutil.copytree(sound, tmp_path / str(number))
        (path / name).unlink()
        ODD[kind](path / name)
        faults, lines = store_says(path)
        emptied = kind == "huge" and name.endswith(".lock")  # and used: it is a regular file
        assert faults or lines or emptied, name
        assert all("\n" not in line and str(path) in line for line in lines), lines


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '{"a": 1, "a": 2}', "[" * 10**5, '{"a": ' + "9" * 10**4 + "}", "{}", "1"]
)
@pytest.mark.parametrize("file", ["zarr.json", "configurations/phi/zarr.json", "observables/mean/zarr.json"])
def test_odd_json_is_told_in_one_line(sound, tmp_path, file, text):
    path = shutil.copytree(sound, tmp_path / "e")
    (path / file).write_text(text)
    with pytest.raises(SqcliError, match=r"^.*(zarr\.json|no sqcli ensemble).*$") as error:
        store.read_observable(path, "mean") if "mean" in file else store.open_ensemble(path)
    assert str(path) in str(error.value)


def test_partial_files_of_a_killed_writer_are_in_nobodys_way(sound, tmp_path):
    path = shutil.copytree(sound, tmp_path / "e")
    store.extend(path, 48, durable=False)
    stale = [f.with_name(f"{f.name}.partial") for f in path.rglob("c.*") if f.is_file()]
    for file in stale:
        file.write_bytes(b"half")
    (path / "checkpoint/record/observable.new").mkdir()
    toychain.run(path, block=4)
    store.write_observable(path, "mean", [np.arange(48.0)], attributes=toychain.MEAN, durable=False)
    store.write_observable(path, "other", [np.arange(48.0)], attributes=toychain.SQUARE, durable=False)
    assert store.check(path) == []
    assert not [file for file in path.rglob("*.partial") if "checkpoint" not in str(file) and "c.0.1" in file.name]
    assert not (path / "checkpoint/record/observable.new").exists()


NESTED = "[" * 900 + "]" * 900
ODD_METADATA = {
    "a type of no numbers": ("observables/mean", b'"float64"', b'"object"'),
    "a type of truth": ("observables/mean", b'"float64"', b'"bool"'),
    "components are a number": ("observables/mean", b'"measured"', b'"components": 3, "measured"'),
    "components of nothing": ("observables/mean", b'"measured"', b'"components": ["a"], "measured"'),
    "half a character": ("", b'"format"', b'"note": "\\ud800", "format"'),
    "deep": ("", b'"format"', f'"note": {NESTED}, "format"'.encode()),
    "a target beyond all bounds": ("", b'"target_draws": 24', b'"target_draws": 1' + b"0" * 40),
    "a shape beyond all bounds": ("configurations/phi", b"24,", b"24" + b"0" * 40 + b","),
}


@pytest.mark.parametrize("name", ODD_METADATA)
def test_odd_metadata_of_an_ensemble_without_checksums_are_told_in_one_line(sound, tmp_path, name):
    path = toychain.unsealed(shutil.copytree(sound, tmp_path / "e"))
    directory, old, new = ODD_METADATA[name]
    file = path / directory / "zarr.json"
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    faults, lines = store_says(path)
    assert faults or lines or name == "deep"  # which Python may be able to read and write
    assert all("\n" not in line and str(path) in line for line in lines), lines
