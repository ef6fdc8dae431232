import json
import os

import numpy as np
import pytest
import toychain

from sqcli import store
from sqcli.errors import BusyError, SqcliError

PHI = "configurations/phi"


@pytest.fixture
def ensemble(tmp_path):
    """10 of 24 draws of two chains."""
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {"theory": "toy"})
    for chain in range(2):
        toychain.run(path, chain, target=10)
    return path


def test_creation_refuses_what_exists(ensemble, tmp_path):
    with pytest.raises(store.ExistsError, match="--force"):
        store.create(ensemble, toychain.layout(), {})
    (tmp_path / "file").write_text("x")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "thesis.tex").write_text("x")
    for name in ("file", "plain"):
        with pytest.raises(SqcliError, match=str(tmp_path / name)):
            store.create(tmp_path / name, toychain.layout(), {}, force=True)
    assert (tmp_path / "plain" / "thesis.tex").exists()
    (tmp_path / "empty").mkdir()
    store.create(tmp_path / "empty", toychain.layout(), {})
    store.create(tmp_path / "new" / "deep" / "e", toychain.layout(), {})


def test_force_replaces_an_ensemble_that_nobody_writes(ensemble, tmp_path):
    with store.Writer(ensemble, 1), pytest.raises(BusyError):
        store.create(ensemble, toychain.layout(), {}, force=True)
    assert list(toychain.assert_sound(ensemble)) == [10, 10]
    store.create(ensemble, toychain.layout(), {"theory": "other"}, force=True)
    assert list(store.open_ensemble(ensemble).draws) == [0]
    assert store.open_ensemble(ensemble).attrs["theory"] == "other"
    assert [entry.name for entry in tmp_path.iterdir()] == ["e"]


def test_force_replaces_a_damaged_ensemble(ensemble):
    (ensemble / PHI / "zarr.json").unlink()
    store.create(ensemble, toychain.layout(), {}, force=True)
    toychain.assert_sound(ensemble)


def test_leftovers_of_a_killed_replacement_are_removed(tmp_path):
    for name in (".e.0123abcd.old", ".e.x.old", ".f.0123abcd.old"):
        (tmp_path / name).mkdir()
    store.create(tmp_path / "e", toychain.layout(), {})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".e.x.old", ".f.0123abcd.old", "e"]


def test_space_is_compared_before_the_run(tmp_path):
    huge = toychain.layout(1, 10**12)
    with pytest.raises(SqcliError, match=r"needs \d{15,} bytes, \d+ bytes are free"):
        store.create(tmp_path / "e", huge, {})
    assert not (tmp_path / "e").exists()
    path = store.create(tmp_path / "e", toychain.layout(), {})
    with pytest.raises(SqcliError, match="bytes are free"):
        store.extend(path, 10**12)
    assert store.open_ensemble(path).target_draws == 24


def test_impossible_layouts_are_refused():
    for wrong in ({"group": 3}, {"chains": 0}, {"draws": -1}, {"site": (0, 4)}, {"stats": {"a/b": "int8"}}):
        with pytest.raises(SqcliError, match="layout"):
            toychain.layout(**wrong)


def test_attributes_must_be_json(tmp_path):
    with pytest.raises(SqcliError, match="JSON"):
        store.create(tmp_path / "e", toychain.layout(), {"kappa": float("nan")})


@pytest.mark.parametrize(
    ("chains", "draws", "draw_bytes", "group"),
    [
        (4, 10**5, 8192, 1),
        (5120, 1, 8192, 256),
        (5120, 10**4, 8192, 1),
        (64, 1, 8, 4),
        (63, 1, 8, 1),
        (10**5, 1, 64, 4096),
    ],
)
def test_many_short_chains_are_grouped(chains, draws, draw_bytes, group):
    assert store.default_chain_group(chains, draws, draw_bytes) == group


def test_a_read_only_ensemble_can_be_told_apart(ensemble, monkeypatch):
    ordinary = os.open

    def read_only(path, flags, *rest):
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(13, "Permission denied", path)
        return ordinary(path, flags, *rest)

    monkeypatch.setattr("os.open", read_only)
    with pytest.raises(store.ReadOnlyError, match="cannot be written"), store.Writer(ensemble):
        pass
    with pytest.raises(store.ReadOnlyError):
        store.write_observable(ensemble, "m", [np.zeros(1)] * 2)


@pytest.mark.parametrize(
    ("layout", "chunks"),
    [
        (
            toychain.layout(4, 10**5, (32, 32)),
            {PHI: [1, 512, 32, 32], "sample_stats/delta_h": [1, 4096]},
        ),
        (toychain.layout(1, 50, (4, 4)), {PHI: [1, 32, 4, 4], "checkpoint/field": [1, 1, 4, 4]}),
        (toychain.layout(1, 9, (1024, 1024)), {PHI: [1, 1, 1024, 1024]}),
        (
            toychain.layout(512, 9, (32, 32), 128),
            {PHI: [128, 4, 32, 32], "checkpoint/record": [128, 8]},
        ),
    ],
)
def test_chunks_are_powers_of_two_within_four_mebibytes(tmp_path, layout, chunks):
    path = store.create(tmp_path / "e", layout, {})
    for array, shape in chunks.items():
        document = json.loads((path / array / "zarr.json").read_text())
        assert document["chunk_grid"]["configuration"]["chunk_shape"] == shape


def test_links_that_look_like_leftovers_are_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("precious")
    (tmp_path / ".e.01234567.old").symlink_to(tmp_path / "precious")
    (tmp_path / ".e.01234567.new").symlink_to(tmp_path / "absent")
    store.create(tmp_path / "e", toychain.layout(), {})
    assert (tmp_path / "precious" / "file").read_text() == "precious"
