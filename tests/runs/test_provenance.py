"""Provenance tells commands, versions and parents; no user, no host."""

import json
import threading
from pathlib import Path

import pytest
from models import known_model

from sqcli import store
from sqcli.runs.execution.provenance import creation, storable_path
from sqcli.runs.generate import Request, generate
from sqcli.runs.sample import SampleRequest, sample


def words(*given):
    return creation(given, "cpu")["provenance"]["command_line"]


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("/home/alice/runs/e", "e"),
        ("/home/alice/runs/e/", "e"),
        ("~alice/runs/e", "e"),
        ("--start=/home/alice/runs/e", "--start=e"),
        ("model=/home/alice/a,/home/bob/b", "model=a,b"),
        ("runs/e", "runs/e"),
        ("../e", "../e"),
        ("kappa=0.2", "kappa=0.2"),
        ("hmc:2", "hmc:2"),
        ("1:30:00", "1:30:00"),
    ],
)
def test_command_lines_name_nobody(word, kept, monkeypatch):
    assert words("sqcli", "generate", word) == ["sqcli", "generate", kept]
    monkeypatch.setenv("SQCLI_FULL_PATHS", "1")
    assert words("sqcli", "generate", word) == ["sqcli", "generate", word]


@pytest.mark.parametrize(
    ("path", "beside", "kept"),
    [
        ("data", "/home/alice/m", "data"),
        ("/home/alice/work/data", "/home/alice/work/models/m", "../data"),
        ("/home/alice/work/models/data", "/home/alice/work/models/m", "data"),
        ("/home/bob/data", "/home/alice/m", "data"),
        ("/scratch/alice/data", "/scratch/alice/m", "data"),
        ("/data", "/m", "data"),
    ],
)
def test_parents_are_found_from_beside_without_a_name(path, beside, kept):
    assert storable_path(path, Path(beside)) == kept


def test_what_is_stored_names_nobody(tmp_path):
    user = tmp_path / "home" / "alice"
    line = ("sqcli", "generate", str(user / "first"))
    shared = {"theory": "free", "lattice": (4,), "parameters": {"mass2": "0.5"}, "algorithm": "metropolis", "draws": 2}
    go = threading.Event(), lambda _: None
    generate(Request(user / "first", **shared, warmup=2, command_line=line), *go)
    model = known_model(user / "m")
    sample(SampleRequest(user / "sampled", model, method="path", draws=2, device="cpu", command_line=line), *go)
    for path in (user / "first", user / "sampled"):
        told = json.dumps(dict(store.open_ensemble(path).attrs))
        for secret in ("alice", str(tmp_path), str(Path.cwd())):
            assert secret not in told
    assert store.open_ensemble(user / "sampled").attrs["provenance"]["parents"][0]["model"] == "m"
