"""`show`, `check` and `export` on real (tiny) ensembles."""

import csv
import json

import numpy as np
import pytest

from sqcli import store

SITE = (3, 2)
STATS = {"accepted": "int8", "delta_h": "float64"}
ATTRIBUTES = {
    "theory": "phi4",
    "parameters": {"kappa": 0.2, "lambda": 0.02},
    "lattice": [3, 2],
    "algorithm": "hmc",
    "exactness": {"status": "exact", "reason": "corrected"},
    "provenance": {"command_line": ["sqcli", "generate", "a b"]},
}


@pytest.fixture
def fields():
    return np.random.default_rng(1).normal(size=(2, 5, *SITE))


@pytest.fixture
def ensemble(tmp_path, fields):
    layout = store.Layout("phi", SITE, ("x", "y"), stats=STATS, chains=2, target_draws=5, rng_bytes=16)
    path = store.create(tmp_path / "e", layout, ATTRIBUTES, durable=False)
    for chain in range(2):
        with store.Writer(path, chain, durable=False) as writer:
            numbers = np.arange(5.0)[None] + 10 * chain
            stats = {"accepted": np.ones((1, 5), np.int8), "delta_h": numbers}
            writer.commit(fields[chain : chain + 1], stats, fields[chain : chain + 1, -1], [b"state"], 3)
    return path


def test_show(sq, ensemble):
    result = sq("show", ensemble)
    lines = dict(line.split("  ", 1) for line in result.out.splitlines())
    told = {name.strip(): text.strip() for name, text in lines.items()}
    assert (result.code, result.err) == (0, "")
    assert told["theory"] == "phi4"
    assert told["parameters"] == "kappa = 0.2, lambda = 0.02"
    assert told["lattice"] == "3 x 2"
    assert told["draws"] == "5 per chain, finished"
    assert told["command line"] == "sqcli generate 'a b'"
    assert told["exactness"] == "exact: corrected"


def test_show_json(sq, ensemble):
    found = json.loads(sq("show", ensemble, "--format", "json").out)
    assert (found["draws"], found["target_draws"], found["observables"]) == ([5, 5], 5, [])
    assert found["bytes"] > 2 * 5 * 48


def test_check_of_a_sound_and_of_a_damaged_ensemble(sq, ensemble):
    result = sq("check", ensemble)
    assert (result.code, result.out, result.err) == (0, f"ok: {ensemble}\n", "")
    chunk = next(
        file for file in (ensemble / "configurations" / "phi").rglob("*") if file.is_file() and file.suffix != ".json"
    )
    data = bytearray(chunk.read_bytes())
    data[5] ^= 1
    chunk.write_bytes(data)
    result = sq("check", ensemble)
    assert (result.code, result.err) == (3, "")
    assert len(result.out.splitlines()) == 1
    assert "phi" in result.out


@pytest.mark.parametrize("command", ["show", "check"])
@pytest.mark.parametrize("kind", ["absent", "file", "folder", "json"])
def test_what_is_no_ensemble_is_one_line(command, kind, sq, tmp_path):
    path = tmp_path / "x"
    if kind == "file":
        path.write_text("hello")
    elif kind != "absent":
        path.mkdir()
    if kind == "json":
        (path / "zarr.json").write_text("{")
    result = sq(command, path)
    assert result.code in (1, 3)
    (line,) = (result.out + result.err).splitlines()
    assert str(path) in line


def test_export_npz(sq, ensemble, fields, tmp_path):
    out = tmp_path / "e.npz"
    result = sq("export", ensemble, out)
    assert (result.code, result.out, result.err) == (0, "", f"sqcli: wrote {out}\n")
    with np.load(out) as data:
        assert np.array_equal(data["phi"], fields)
        assert data["delta_h"].tolist() == [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]]
        assert data["accepted"].dtype == np.int8
        assert json.loads(str(data["metadata"]))["theory"] == "phi4"


def test_export_npy_in_small_blocks(sq, ensemble, fields, tmp_path, monkeypatch):
    monkeypatch.setattr("sqcli.runs.export.BLOCK_BYTES", 100)  # two draws
    assert sq("export", ensemble, tmp_path / "e.npy", "--format", "npy").code == 0
    assert np.array_equal(np.load(tmp_path / "e.npy", mmap_mode="r"), fields)


def test_export_csv(sq, ensemble, fields, tmp_path):
    out = tmp_path / "e.csv"
    assert "run `sqcli measure` first" in sq("export", ensemble, out, "--format", "csv").err
    assert not out.exists()
    store.write_observable(ensemble, "m", [chain.mean(axis=(1, 2)) for chain in fields])
    pair = [np.stack([chain[:, 0, 0], chain[:, 0, 1] * 1j], axis=1)[:4] for chain in fields]
    store.write_observable(ensemble, "w", pair, components=("1", "2"))
    assert sq("export", ensemble, out, "--format", "csv", "--quiet").err == ""
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["chain", "draw", "m", "w[1] re", "w[1] im", "w[2] re", "w[2] im"]
    assert len(rows) == 10
    assert (rows[7]["chain"], rows[7]["draw"]) == ("1", "2")
    assert float(rows[7]["m"]) == fields[1, 2].mean()
    assert float(rows[7]["w[2] im"]) == fields[1, 2, 0, 1]
    assert rows[4]["w[1] re"] == ""


def test_export_replaces_nothing_without_force(sq, ensemble, tmp_path):
    out = tmp_path / "e.npz"
    out.write_text("mine")
    result = sq("export", ensemble, out)
    assert (result.code, out.read_text()) == (1, "mine")
    assert "--force" in result.err
    assert sq("export", ensemble, out, "--force").code == 0
    for special in (tmp_path, "/dev/null"):
        assert "is no file" in sq("export", ensemble, special, "--format", "npz", "--force").err
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["e", "e.npz"]
