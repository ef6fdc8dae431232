import json
import re
import shutil

import numpy as np
import pytest
import toychain
import zarr
from toychain import edit

from sqcli import store
from sqcli.errors import DamageError, SqcliError

PHI = "configurations/phi/zarr.json"


@pytest.fixture
def ensemble(tmp_path):
    """10 of 24 draws of two chains."""
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {"theory": "toy"})
    for chain in range(2):
        toychain.run(path, chain, target=10)
    return path


def rewrite(file, change):
    file.write_bytes(change(file.read_bytes()))


def write_v2(path):
    shutil.rmtree(path)
    zarr.create_group(path, zarr_format=2)


def as_array(path):
    shutil.rmtree(path)
    zarr.create_array(path, shape=(2,), dtype="f8")


def as_file(path):
    shutil.rmtree(path)
    path.write_text("hello")


def shuffled_codecs(path):
    document = json.loads((path / PHI).read_text())
    edit(path, PHI, codecs=[document["codecs"][0], {"name": "zstd", "configuration": {"level": 1, "checksum": False}}])


BAD = {
    "nothing there": (lambda p: shutil.rmtree(p), "no such ensemble"),
    "a file": (as_file, "not a directory"),
    "a plain directory": (lambda p: (p / "zarr.json").unlink(), "without zarr.json"),
    "zarr.json is a directory": (
        lambda p: ((p / "zarr.json").unlink(), (p / "zarr.json").mkdir()),
        "zarr.json: not a regular file",
    ),
    "Zarr v2": (write_v2, "Zarr v2"),
    "a single array": (as_array, "not the root"),
    "another Zarr group": (lambda p: edit(p, "zarr.json", format=None), "no sqcli ensemble"),
    "another format": (lambda p: edit(p, "zarr.json", format="anndata"), "no sqcli ensemble"),
    "a later version": (lambda p: edit(p, "zarr.json", format_version=2), "format_version is 2"),
    "a later Zarr": (lambda p: edit(p, "zarr.json", zarr_format=4), "zarr_format is 4"),
    "empty root metadata": (lambda p: (p / "zarr.json").write_text(""), "not valid JSON"),
    "root metadata is a list": (lambda p: (p / "zarr.json").write_text("[]"), "not a JSON object"),
    "binary junk": (lambda p: (p / "zarr.json").write_bytes(b"\xff\xfe\0junk"), "not valid JSON"),
    "endless JSON": (lambda p: (p / "zarr.json").write_text("[" * 100_000), "not valid JSON"),
    "target_draws is text": (lambda p: edit(p, "zarr.json", target_draws="many"), "target_draws is 'many'"),
    "truncated array metadata": (lambda p: rewrite(p / PHI, lambda b: b[:100]), "not valid JSON"),
    "missing array metadata": (lambda p: (p / PHI).unlink(), "array is missing"),
    "no field": (lambda p: shutil.rmtree(p / "configurations/phi"), "configurations/phi: array is missing"),
    "no checkpoint": (lambda p: shutil.rmtree(p / "checkpoint/rng"), "checkpoint/rng: array is missing"),
    "unknown type": (lambda p: edit(p, PHI, data_type="float63"), "damaged metadata"),
    "negative shape": (lambda p: edit(p, PHI, shape=[-2, 24, 4, 4]), "damaged metadata"),
    "other chains": (lambda p: edit(p, PHI, shape=[3, 24, 4, 4]), "contradicts the other arrays"),
    "other chunks": (lambda p: edit(p, PHI, chunk_grid={"name": "rectilinear"}), "damaged metadata"),
    "other site": (lambda p: edit(p, "checkpoint/field/zarr.json", shape=[2, 2, 4, 5]), "damaged metadata"),
    "unknown codec": (shuffled_codecs, "codecs"),
    "arrays too short": (lambda p: edit(p, PHI, shape=[2, 4, 4, 4]), "claims 10 draws, 4 are allocated"),
    "record missing": (lambda p: (p / "checkpoint/record/c.1.0").unlink(), "missing"),
    "record altered": (lambda p: rewrite(p / "checkpoint/record/c.1.0", lambda b: b"\1" + b[1:]), "checksum"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gives_one_line_naming_path_and_fault(ensemble, name):
    spoil, fault = BAD[name]
    spoil(ensemble)
    with pytest.raises(SqcliError, match=re.escape(fault)) as error:
        store.open_ensemble(ensemble)
    assert str(ensemble) in str(error.value)
    assert "\n" not in str(error.value)


FOREIGN = ("nothing there", "a file", "a plain directory", "Zarr v2", "a single array")
FOREIGN += ("another Zarr group", "another format", "a later version", "a later Zarr", "unknown codec")


@pytest.mark.parametrize("name", [name for name in BAD if name not in FOREIGN])
def test_damage_of_metadata_is_found_by_check(ensemble, name):
    BAD[name][0](ensemble)
    assert len(store.check(ensemble)) >= 1


@pytest.mark.parametrize("name", FOREIGN)
def test_check_reports_no_damage_in_what_is_no_ensemble(ensemble, name):
    BAD[name][0](ensemble)
    with pytest.raises(SqcliError) as error:
        store.check(ensemble)
    assert not isinstance(error.value, DamageError)


def flip(data):
    middle = len(data) // 8
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


CHUNKS = ["configurations/phi/c.1.0.0.0", "sample_stats/delta_h/c.1.0"]
SPOILS = {
    "flipped bit": (lambda f: rewrite(f, flip), "checksum"),
    "truncated": (lambda f: rewrite(f, lambda b: b[:100]), "100 bytes instead of"),
    "emptied": (lambda f: rewrite(f, lambda b: b""), "0 bytes instead of"),
    "zeroed": (lambda f: rewrite(f, lambda b: bytes(len(b))), "checksum"),
    "missing": (lambda f: f.unlink(), "missing"),
}


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("spoil", SPOILS)
def test_damaged_chunks_are_never_read_as_numbers(ensemble, chunk, spoil):
    SPOILS[spoil][0](ensemble / chunk)
    handle = store.open_ensemble(ensemble)
    np.testing.assert_array_equal(handle.fields(0), toychain.reference(0, 10, (4, 4))[0])
    with pytest.raises(DamageError, match=SPOILS[spoil][1]) as error:
        handle.fields(1) if "phi" in chunk else handle.stat("delta_h")
    assert chunk in str(error.value)
    faults = store.check(ensemble)
    assert [fault.path for fault in faults] == [ensemble / chunk]
    assert SPOILS[spoil][1] in faults[0].what


@pytest.mark.parametrize("array", ["field", "rng"])
def test_damaged_checkpoints_are_found(ensemble, array):
    slot = int(store.open_ensemble(ensemble).records[0, 2])
    chunk = ensemble / "checkpoint" / array / (f"c.0.{slot}" + (".0.0" if array == "field" else ".0"))
    rewrite(chunk, flip)
    assert [fault.path for fault in store.check(ensemble)] == [chunk]


def test_missing_group_metadata_is_found(ensemble):
    (ensemble / "sample_stats" / "zarr.json").unlink()
    assert [fault.path.name for fault in store.check(ensemble)] == ["zarr.json"]


def test_check_ignores_what_is_not_committed(ensemble):
    for name in ("configurations/phi/c.0.1.0.0", "configurations/phi/c.0.1.0.0.partial", "sample_stats/delta_h/c.0.1"):
        (ensemble / name).write_bytes(b"half")
    idle = 1 - int(store.open_ensemble(ensemble).records[0, 2])
    (ensemble / f"checkpoint/rng/c.0.{idle}.0").write_bytes(b"half")
    assert store.check(ensemble) == []


def test_unknown_statistics_are_named(ensemble):
    with pytest.raises(SqcliError, match="there are accepted, delta_h"):
        store.open_ensemble(ensemble).stat("energy")
    with pytest.raises(KeyError):
        store.open_ensemble(ensemble)["energy"]
