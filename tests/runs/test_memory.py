"""Memory is compared with what there is before a run starts, and nothing is left behind where it does not suffice."""

import threading
from pathlib import Path

import pytest
from drawn import free_fields, write
from models import known_model

from sqcli.errors import SqcliError
from sqcli.figures import plot
from sqcli.runs.execution import memory
from sqcli.runs.generate import Request, generate
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.train import TrainRequest, train

FREE = {"theory": "free", "parameters": {"mass2": "1"}, "seed": 1}
LARGE = [(1_000_000_000,), (40_000, 40_000), (1000, 1000, 1000)]


@pytest.mark.parametrize("lattice", LARGE, ids=str)
@pytest.mark.parametrize("algorithm", ["hmc", "exact", "wolff"])
def test_a_lattice_that_cannot_fit_is_told_before_anything_is_made(tmp_path, algorithm, lattice, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: iter([2**34]))
    monkeypatch.setattr("sqcli.store._creation.require_space", lambda *_: None)
    request = Request(path=tmp_path / "e", lattice=lattice, algorithm=algorithm, draws=1, **FREE)
    with pytest.raises(SqcliError, match=r"e: needs about \d+.* of memory, 16 GiB are available; take a smaller"):
        generate(request, threading.Event(), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_fewer_workers_are_advised_where_there_are_several(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: iter([2**30]))
    request = Request(path=tmp_path / "e", lattice=(4096, 4096), algorithm="hmc", chains=4, workers=4, draws=1, **FREE)
    with pytest.raises(SqcliError, match="take --workers 1"):
        generate(request, threading.Event(), lambda _: None)


def test_samples_and_trainings_too(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: iter([2**20]))
    model = known_model(tmp_path / "m")
    before = sorted(tmp_path.rglob("*"))
    request = SampleRequest(model=model, path=tmp_path / "e", method="dpm", lattice=(512, 512), draws=4, device="cpu")
    with pytest.raises(SqcliError, match="of memory, 1 MiB are available"):
        sample(request, threading.Event(), lambda _: None)
    assert sorted(tmp_path.rglob("*")) == before
    write(tmp_path / "d", free_fields((32, 32), 0.5, 2, 64, 1))
    request = TrainRequest.of(path=tmp_path / "t", ensembles=[tmp_path / "d"], epochs=1, device="cpu")
    with pytest.raises(SqcliError, match="take a smaller --batch-size"):
        train(request, threading.Event(), lambda _: None)
    assert not (tmp_path / "t").exists()


GROUP = {"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 5\ninactive_file 100\n"}
OLD = {"memory.limit_in_bytes": "900", "memory.usage_in_bytes": "700"}
OLD["memory.stat"] = "inactive_file 20\ntotal_inactive_file 50\n"


@pytest.mark.parametrize(
    ("line", "folder", "files", "left"),
    [
        ("0::/job/step", "job/step", GROUP, 400),
        ("0::/job/step", "job", GROUP, 400),
        ("0::/gone", ".", GROUP, 400),
        ("0::/job", "job", GROUP | {"memory.max": "max"}, None),
        ("5:cpu,memory:/job", "memory/job", OLD, 250),
        ("5:memory:/job", "memory/job", OLD, 250),
        ("5:memory:/job", "memory", OLD, 250),
        ("nonsense", "job", GROUP, None),
    ],
)
def test_limits_of_the_batch_job_count(tmp_path, monkeypatch, line, folder, files, left):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (tmp_path / folder / name).write_text(text)
    membership = tmp_path / "membership"
    membership.write_text(f"1:name=systemd:/x\n{line}\n")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.setattr(memory, "MEMBERSHIP", membership)
    monkeypatch.setattr(memory, "MACHINE", Path("/nowhere"))
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    assert min(memory.available(), default=None) == left


def test_without_any_facts_nothing_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: iter(()))
    memory.require(tmp_path, 2**80, "")


def test_the_limit_of_the_process_counts(monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (2**40, 2**40))
    assert min(memory.available()) < 2**40


def test_figures_of_more_samples_than_fit_are_refused(tmp_path, monkeypatch):
    model = known_model(tmp_path / "m")
    for kind in ("effective_action", "cumulants"):
        with pytest.raises(SqcliError, match=r"m: needs about .* of memory, .*; take fewer --draws"):
            plot(model, kind, tmp_path / "x.png", draws=10**12, device="cpu")
    assert not (tmp_path / "x.png").exists()


def test_a_batch_larger_than_the_data_counts_as_the_data(tmp_path, monkeypatch):
    write(tmp_path / "d", free_fields((4, 4), 0.5, 2, 64, 1))
    options = {"epochs": 1, "batch_size": 10**9, "device": "cpu", "parameters": {"channels": "4", "blocks": "1"}}
    train(
        TrainRequest.of(path=tmp_path / "t", ensembles=[tmp_path / "d"], **options), threading.Event(), lambda _: None
    )
    assert (tmp_path / "t" / "weights.safetensors").is_file()
