"""Whatever is altered or removed is found: metadata have checksums, the root lists the arrays and has an identity."""

import json
import os
import shutil

import numpy as np
import pytest
import toychain
from toychain import edit, unsealed

from sqcli import store
from sqcli.errors import BusyError, DamageError, SqcliError
from sqcli.store._documents import read_json

MASKS = (0x01, 0x80)
FREE = {
    "theory": "free",
    "parameters": {"mass2": 0.30000000000000004},
    "lattice": [4, 4],
    "algorithm": "exact",
    "algorithm_parameters": {},
    "seed": 123456789,
    "rng": "some",
    "every": 1,
    "warmup": 5,
    "start": {"ensemble": "e", "identity": "a" * 64, "draws": 3},
    "created_at": "2026-01-01T00:00:00+00:00",
    "action_convention": "½ φ²",
}
FREE["identity"] = store.identity_of(FREE, "float64")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """7 of 24 draws of two chains, and a series."""
    path = store.create(tmp_path_factory.mktemp("sound") / "e", toychain.layout(2), FREE, durable=False)
    for chain in range(2):
        toychain.run(path, chain, target=7)
    series = [np.arange(7.0)] * 2
    store.write_observable(path, "mean", series, attributes=toychain.MEAN, durable=False)
    return path


@pytest.fixture
def ensemble(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "e")


def unread(path):
    """Files in which a byte may change unseen: locks, which are empty, and checkpoints that are not in use."""
    records = store.open_ensemble(path).records
    idle = {
        f"checkpoint/{name}/c.{chain}.{1 - record[2]}"
        for chain, record in enumerate(records)
        for name in ("field", "rng")
    }
    return lambda file: file.endswith(".lock") or any(file.startswith(name) for name in idle)


def numbers(path):
    """All that a reader gets."""
    handle = store.open_ensemble(path)
    kept = store.read_observable(path, "mean")
    read = [handle.attrs, handle.layout, handle.records.tolist(), np.array(handle["phi"]).tobytes()]
    read += [repr(np.array(handle.stat(name)).tolist()) for name in handle.stat_names]
    return [*read, kept and [kept.attributes, np.array(kept.values).tolist()]]


def positions(file):
    """Every byte of metadata, records and short files; of longer ones some, and all at both ends."""
    size = file.stat().st_size
    if file.name == "zarr.json" or size <= 300:
        return range(size)
    return sorted({*range(40), *range(40, size - 40, 997), *range(size - 40, size)})


def assert_found(path, before, what):
    """By check, and no reader gets other numbers: they do not need the metadata of groups."""
    try:
        found = bool(store.check(path))
    except SqcliError:
        found = True
    assert found, what
    try:
        same = numbers(path) == before
    except SqcliError:
        same = True
    assert same, what


def flip_every_byte(path, step, masks):
    """All of each file; of metadata below the root every `step`-th change goes through all readers, others one."""
    before, skipped = numbers(path), unread(path)
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        original = file.read_bytes()
        if skipped(str(file.relative_to(path))):
            continue
        quick = file.name == "zarr.json" and file.parent != path
        changes = [(position, mask) for position in positions(file) for mask in masks]
        with file.open("r+b", buffering=0) as handle:
            for number, (position, mask) in enumerate(changes):
                os.pwrite(handle.fileno(), bytes([original[position] ^ mask]), position)
                if quick and number % step:
                    with pytest.raises(DamageError):
                        read_json(file, sealed=True)
                else:
                    assert_found(path, before, (file, position, mask))
                os.pwrite(handle.fileno(), original[position : position + 1], position)
    assert numbers(path) == before
    assert store.check(path) == []


def test_every_changed_byte_is_found(ensemble):
    flip_every_byte(ensemble, 31, MASKS)


@pytest.mark.slow
def test_every_changed_byte_is_found_by_every_reader(ensemble):
    flip_every_byte(ensemble, 1, (0x01, 0x02, 0x20, 0x80, 0xFF))


PARTS = {
    "a statistic": "sample_stats/delta_h",
    "all statistics": "sample_stats",
    "the field": "configurations",
    "a checkpoint": "checkpoint/rng",
    "a group's metadata": "sample_stats/zarr.json",
    "an array's metadata": "sample_stats/delta_h/zarr.json",
    "a record": "checkpoint/record/c.1.0",
    "a chunk": "configurations/phi/c.1.0.0.0",
}


@pytest.mark.parametrize("part", PARTS)
def test_absent_parts_are_damage(ensemble, part):
    place = ensemble / PARTS[part]
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert store.check(ensemble)
    if part != "a group's metadata":
        with pytest.raises(DamageError):
            numbers(ensemble)


def test_an_emptied_group_of_arrays_is_damage(ensemble):
    for place in (ensemble / "sample_stats").iterdir():
        if place.is_dir():
            shutil.rmtree(place)
    with pytest.raises(DamageError, match="sample_stats/accepted: array is missing"):
        store.open_ensemble(ensemble)


@pytest.mark.parametrize("left", ["configurations/phi", "sample_stats/delta_h", "checkpoint/rng", "observables/mean"])
def test_a_chain_is_untouched_only_where_no_file_of_it_exists(ensemble, left):
    for file in ensemble.rglob("c.1.*"):
        if file.parent != ensemble / left:
            file.unlink()
    assert "c.1.0" in [fault.path.name for fault in store.check(ensemble)]
    with pytest.raises(DamageError, match=r"record/c\.1\.0: a committed chunk is missing"):
        store.open_ensemble(ensemble)
    for file in (ensemble / left).glob("c.1.*"):
        file.unlink()
    assert store.open_ensemble(ensemble).draws.tolist() == [7, 0]
    assert [fault.what for fault in store.check(ensemble)] == ["7 draws are measured, 0 are committed"]


@pytest.mark.parametrize("name", ["arrays", "checksum"])
def test_a_half_sealed_root_is_damage(ensemble, name):
    edit(ensemble, "zarr.json", sealed=name != "checksum", **({} if name == "checksum" else {name: None}))
    with pytest.raises(DamageError, match="its checksum or its list of arrays is missing"):
        store.open_ensemble(ensemble)


@pytest.mark.parametrize("file", ["sample_stats/delta_h", "observables/mean", "configurations"])
def test_metadata_without_a_checksum_are_damage_in_an_ensemble_that_has_them(ensemble, file):
    edit(ensemble, f"{file}/zarr.json", sealed=False)
    assert "checksum is missing" in store.check(ensemble)[0].what


def test_lists_of_arrays_do_not_lead_elsewhere(ensemble):
    edit(ensemble, "zarr.json", arrays=["configurations/phi", "sample_stats/../../secret"])
    with pytest.raises(DamageError, match="list of arrays"):
        store.open_ensemble(ensemble)


OTHER = {
    "lattice": [4, 5],
    "parameters": {"mass2": 0.3},
    "seed": 123456788,
    "algorithm": "hmc",
    "start": {"ensemble": "e", "identity": "b" * 64, "draws": 3},
    "warmup": None,
    "identity": "b" * 64,
}


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("name", OTHER)
def test_attributes_that_belong_to_another_identity_are_damage(ensemble, name, sealed):
    if not sealed:
        unsealed(ensemble)
    edit(ensemble, "zarr.json", sealed=sealed, **{name: OTHER[name]})
    for act in (store.open_ensemble, lambda path: store.Writer(path).__enter__(), lambda path: store.extend(path, 50)):
        with pytest.raises(DamageError, match="another identity"):
            act(ensemble)
    assert store.check(ensemble)


def test_the_lattice_is_that_of_the_fields(tmp_path):
    described = FREE | {"lattice": [4, 5]}
    described["identity"] = store.identity_of(described, "float64")
    path = store.create(tmp_path / "e", toychain.layout(2), described)
    with pytest.raises(DamageError, match="fields on 4x4 contradict the attribute lattice"):
        store.open_ensemble(path)


def test_ensembles_without_checksums_go_on_as_they_are(ensemble):
    before = numbers(unsealed(ensemble))
    assert store.check(ensemble) == []
    store.extend(ensemble, 30, durable=False)
    for chain in range(2):
        toychain.run(ensemble, chain)
    store.write_observable(ensemble, "mean", [np.arange(30.0)] * 2, attributes=toychain.MEAN, durable=False)
    assert store.check(ensemble) == []
    handle = store.open_ensemble(ensemble)
    np.testing.assert_array_equal(handle.fields(1), toychain.reference(1, 30, (4, 4))[0])
    assert "checksum" not in handle.attrs
    assert handle.attrs["target_draws"] == 30
    assert before[0] | {"target_draws": 30} == handle.attrs


def test_growing_changes_what_is_named_and_nothing_else(ensemble):
    before = {file: json.loads(file.read_text()) for file in ensemble.rglob("zarr.json")}
    store.extend(ensemble, 30, durable=False)
    toychain.run(ensemble, 0)
    for file, old in before.items():
        new = json.loads(file.read_text())
        changed = {key for key in new["attributes"] if new["attributes"][key] != old["attributes"][key]}
        assert changed <= {"checksum", "target_draws"}
        assert {key for key in new if new[key] != old[key]} <= {"attributes", "shape"}
    assert store.check(ensemble) == []


def test_a_run_does_not_go_on_in_an_ensemble_that_replaced_its_own(ensemble):
    """--force of another run, between this one's opening and its locking."""
    opened = store.open_ensemble(ensemble)
    other = FREE | {"parameters": {"mass2": 1.0}}
    other["identity"] = store.identity_of(other, "float64")
    store.create(ensemble, toychain.layout(2), other, force=True, durable=False)
    with pytest.raises(BusyError, match="was replaced by another run"), store.Writer(opened, 0):
        pass
    assert store.open_ensemble(ensemble).draws.tolist() == [0, 0]


def test_a_run_that_extends_meanwhile_is_the_same_run(ensemble):
    opened = store.open_ensemble(ensemble)
    store.extend(ensemble, 30, durable=False)
    with store.Writer(opened, 0) as writer:
        assert writer.layout.target_draws == 30


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_an_ensemble_removed_under_a_run_is_told_as_that(ensemble, how):
    with store.Writer(ensemble, 0) as writer:
        fields, states = writer.checkpoint
        if how == "replaced":
            moved = shutil.copytree(ensemble, ensemble.with_name("other"))
        shutil.rmtree(ensemble)
        if how == "replaced":
            moved.rename(ensemble)
        stats = {name: np.zeros((1, 1)) for name in writer.layout.stats}
        with pytest.raises(BusyError, match=f"was {how} by another process"):
            writer.commit(fields[:, None], stats, fields, states, 5)


def test_a_run_that_begins_while_it_is_replaced_keeps_its_ensemble(ensemble, monkeypatch):
    """The lock is taken after --force looked for locks and before it renames."""
    kept = numbers(ensemble)
    for lock in (ensemble / "checkpoint/record").glob("*.lock"):
        lock.unlink()
    rename = type(ensemble).rename
    writers = []

    def late(path, target):
        if path == ensemble and not writers:
            writers.append(store.Writer(ensemble, 0))
            writers[0].__enter__()
        return rename(path, target)

    monkeypatch.setattr(type(ensemble), "rename", late)
    with pytest.raises(BusyError, match="in the hands of"):
        store.create(ensemble, toychain.layout(2), {"theory": "other"}, force=True, durable=False)
    writers[0].__exit__(None, None, None)
    assert numbers(ensemble)[3:] == kept[3:]


def test_a_series_that_is_measured_anew_beside_check_is_no_fault(ensemble, monkeypatch):
    read = store._checking.begun_groups

    def beside(layout, arrays):
        series = [np.zeros(2)] * 2  # another definition: the old chunks go away
        store.write_observable(ensemble, "mean", series, attributes=toychain.SQUARE, durable=False)
        for chunk in (ensemble / "observables/mean").glob("c.1.*"):
            chunk.rename(chunk.with_name("gone"))
        edit(ensemble, "observables/mean/zarr.json", measured=[2, 0])
        return read(layout, arrays)

    monkeypatch.setattr("sqcli.store._checking.begun_groups", beside)
    assert store.check(ensemble) == []
