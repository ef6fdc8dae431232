"""Generate: interrupted, extended, split into ranges or workers, a run ends as an unbroken one, bit for bit."""

import dataclasses
import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from drawn import write

from sqcli import store
from sqcli.errors import SqcliError, Stopped, UsageError
from sqcli.runs.generate import Request, generate
from sqcli.runs.generation import chain_group

BASE = Request(
    path=Path("unset"),
    theory="phi4",
    lattice=(4, 6),
    parameters={"kappa": "0.25", "lambda": "0.1"},
    algorithm="hmc",
    algorithm_parameters={"n_steps": "5"},
    chains=3,
    draws=40,
    warmup=24,
    every=2,
    seed=7,
)


def run(path, stop=None, progress=lambda _: None, **changes):
    generate(dataclasses.replace(BASE, path=path, **changes), stop or threading.Event(), progress)
    return path


def contents(path):
    ensemble = store.open_ensemble(path)
    fields = np.stack([ensemble.fields(c) for c in range(ensemble.chains)])
    return {"fields": fields, **{name: np.stack(ensemble.stat(name)) for name in ensemble.stat_names}}


def assert_same(path, other):
    a, b = contents(path), contents(other)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def snapshot(path):
    return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in path.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole") / "ens")


COMPOSITE = {"algorithm": "composite", "algorithm_parameters": {"updates": "heatbath,overrelaxation:2,hmc"}}
SYSTEMS = {
    "phi4": {},
    "u1": {"theory": "u1", "parameters": {"beta": "2"}, **COMPOSITE},
    "sun": {"theory": "sun", "parameters": {"n": "2", "beta": "2"}, "lattice": (2, 3, 2), **COMPOSITE},
    "un": {"theory": "un", "parameters": {"n": "3", "beta": "4"}, "algorithm": "hmc", "dtype": "float32"},
}


@pytest.fixture(scope="module", params=list(SYSTEMS))
def unbroken(request, tmp_path_factory):
    """An unbroken run, and what was asked for."""
    options = SYSTEMS[request.param]
    return run(tmp_path_factory.mktemp("unbroken") / "ens", **options), options


def test_finished_run_changes_nothing(whole):
    before = snapshot(whole)
    run(whole)
    generate(Request(path=whole), threading.Event(), lambda _: None)
    assert snapshot(whole) == before
    assert store.check(whole) == []


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_do_not_matter(unbroken, tmp_path, workers):
    path, options = unbroken
    assert_same(path, run(tmp_path / "ens", workers=workers, **options))


def test_chain_ranges_make_one_ensemble(unbroken, tmp_path):
    path, options = unbroken
    for chain_range in ((2, 3), (0, 1), (1, 2)):
        run(tmp_path / "ens", chain_range=chain_range, **options)
    assert_same(path, tmp_path / "ens")


def test_extension_continues(unbroken, tmp_path):
    whole, options = unbroken
    path = run(tmp_path / "ens", **options | {"draws": 15})
    run(path, **options | {"draws": 10})
    assert list(store.open_ensemble(path).draws) == [15] * 3
    run(path, **options | {"draws": 22})
    generate(Request(path=path, extend=18), threading.Event(), lambda _: None)
    assert_same(whole, path)


class After(threading.Event):
    """An event that counts how often it is looked at, and is set from the n-th look on."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0 or super().is_set()


@pytest.mark.parametrize("pace", [1e-9, 1.0])
@pytest.mark.parametrize("algorithm", ["hmc", "fahmc", "wolff", "metropolis", "langevin", "u1", "sun", "un"])
def test_run_stopped_again_and_again_is_the_unbroken_run(tmp_path, monkeypatch, algorithm, pace):
    """`pace` makes pieces as large or as small as they can be."""
    options = SYSTEMS.get(algorithm, {"algorithm": algorithm, "algorithm_parameters": {}}) | {"draws": 9}
    reference = run(tmp_path / "whole", **options)
    monkeypatch.setattr(chain_group.GroupRun, "_timed", lambda self, updates, began: setattr(self, "pace", pace))
    for looks in range(5, 2000, 7):
        try:
            run(tmp_path / "broken", stop=After(looks), workers=1, **options)
            break
        except Stopped:
            assert store.check(tmp_path / "broken") == []
    assert_same(reference, tmp_path / "broken")


def test_extend_of_an_unfinished_ensemble_only_finishes_it(tmp_path):
    with pytest.raises(Stopped):
        run(tmp_path / "ens", stop=After(3))
    for target in (40, 45):
        generate(Request(path=tmp_path / "ens", extend=5), threading.Event(), lambda _: None)
        ensemble = store.open_ensemble(tmp_path / "ens")
        assert ensemble.finished
        assert ensemble.target_draws == target


def test_time_limit_stops_and_commits(tmp_path):
    with pytest.raises(Stopped):
        run(tmp_path / "ens", draws=10**6, every=50, time_limit=1.0)
    ensemble = store.open_ensemble(tmp_path / "ens")
    assert 0 < ensemble.draws.max() < 10**6
    assert store.check(tmp_path / "ens") == []


def test_grouped_chains_equal_single_ones(tmp_path, monkeypatch):
    options = {"chains": 128, "draws": 2, "lattice": (4, 4)}
    grouped = run(tmp_path / "grouped", **options)
    assert store.open_ensemble(grouped).layout.chain_group > 1
    monkeypatch.setattr(store, "default_chain_group", lambda *_: 1)
    single = run(tmp_path / "single", **options)
    assert store.open_ensemble(single).layout.chain_group == 1
    assert_same(grouped, single)


def test_range_that_cuts_a_group_is_wrong_usage(tmp_path):
    run(tmp_path / "ens", chains=128, draws=2, lattice=(4, 4))
    with pytest.raises(UsageError, match="cuts a group"):
        run(tmp_path / "ens", chains=128, draws=3, lattice=(4, 4), chain_range=(0, 3))
    with pytest.raises(UsageError, match="within"):
        run(tmp_path / "ens", chains=128, draws=3, lattice=(4, 4), chain_range=(0, 129))


@pytest.mark.parametrize(
    "change",
    [
        {"theory": "free"},
        {"lattice": (4, 4)},
        {"parameters": {"kappa": "0.3"}},
        {"algorithm": "wolff"},
        {"algorithm_parameters": {"n_steps": "6"}},
        {"chains": 4},
        {"warmup": 25},
        {"every": 3},
        {"start": "cold"},
        {"seed": 8},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_another_run_is_refused_with_both_values(whole, change):
    before = snapshot(whole)
    with pytest.raises(SqcliError, match=r"is .* there, not"):
        generate(dataclasses.replace(BASE, path=whole, **change), threading.Event(), lambda _: None)
    assert snapshot(whole) == before


def test_same_values_in_other_words_are_accepted(whole):
    generate(
        Request(path=whole, parameters={"kappa": "2.5e-1"}, algorithm_parameters={"step_size": "auto"}, seed=7),
        threading.Event(),
        lambda _: None,
    )


def test_start_from_an_ensemble(whole, tmp_path):
    run(tmp_path / "a", chains=5, start=str(whole), warmup=0, algorithm="langevin", algorithm_parameters={})
    attrs = store.open_ensemble(tmp_path / "a").attrs
    assert attrs["start"]["identity"] == store.open_ensemble(whole).attrs["identity"]
    parent = attrs["start"] | {"ensemble": os.path.relpath(whole, tmp_path)}  # the way from beside the ensemble
    assert attrs["provenance"]["parents"] == [parent]
    with pytest.raises(SqcliError, match="shape"):
        run(tmp_path / "b", start=str(whole), lattice=(4, 4))
    with pytest.raises(SqcliError, match="no such"):
        run(tmp_path / "c", start=str(tmp_path / "none"))


def test_identity_names_what_determines_the_numbers(whole, tmp_path):
    identity = store.open_ensemble(whole).attrs["identity"]
    assert len(identity) == 64

    def of(name, **changes):
        return store.open_ensemble(run(tmp_path / name, **{"draws": 1, **changes})).attrs["identity"]

    assert of("fewer", chains=1) == identity
    assert of("seed", seed=8) != identity
    assert of("every", every=3) != identity
    assert of("kappa", parameters={"kappa": "0.26", "lambda": "0.1"}) != identity


def test_seed_left_out_is_drawn_and_stored(tmp_path):
    seeds = {store.open_ensemble(run(tmp_path / n, seed=None, draws=1)).attrs["seed"] for n in "abc"}
    assert len(seeds) == 3
    run(tmp_path / "a", seed=None, draws=2)


def test_attributes_tell_how_it_was_made(whole):
    attrs = store.open_ensemble(whole).attrs
    assert attrs["parameters"] == {"kappa": 0.25, "lambda": 0.1}
    assert attrs["algorithm_parameters"]["step_size"] == "auto"
    assert attrs["exactness"]["status"] == "exact"
    assert attrs["provenance"]["versions"]["numpy"] == np.__version__
    text = json.dumps(attrs)
    assert str(Path.home()) not in text
    assert os.uname().nodename not in text


def test_progress_grows_to_the_total(tmp_path):
    seen = []
    run(tmp_path / "ens", draws=3000, progress=seen.append)
    assert all(0 <= p.done <= p.total for p in seen)
    assert seen[-1].draws <= seen[-1].target == 3000
    assert seen[-1].chains == 3


def test_worker_that_fails_stops_the_run_with_its_error(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("disk on fire")

    monkeypatch.setattr(chain_group.GroupRun, "_draw_piece", broken)
    before = time.monotonic()
    with pytest.raises(OSError, match="disk on fire"):
        run(tmp_path / "ens")
    assert time.monotonic() - before < 60


@pytest.mark.parametrize(
    "change",
    [
        {"theory": "phi5"},
        {"theory": None},
        {"algorithm": "hcm"},
        {"draws": None},
        {"lattice": (0, 4)},
        {"lattice": (70000, 70000)},
        {"parameters": {"kapa": "1"}},
        {"algorithm_parameters": {"n_step": "1"}},
        {"warmup": 0},
        {"chain_range": (3, 2)},
        {"chain_range": (0, 9)},
    ],
    ids=str,
)
def test_wrong_usage_leaves_nothing_behind(tmp_path, change):
    with pytest.raises(UsageError):
        run(tmp_path / "ens", **change)
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there_is_no_wrong_usage(tmp_path):
    with pytest.raises(SqcliError, match="runs on the CPU") as raised:
        run(tmp_path / "ens", device="cuda")
    assert raised.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_resume_needs_an_ensemble(tmp_path):
    with pytest.raises(SqcliError, match="no ensemble"):
        run(tmp_path / "ens", resume=True)


DIVERGING = {
    "langevin": {"algorithm": "langevin", "algorithm_parameters": {"step_size": "0.4"}, "warmup": 0, "every": 1},
    "double": {"theory": "double_well", "lattice": (1,), "parameters": {"a": "-4", "b": "1"}}
    | {"algorithm": "langevin", "algorithm_parameters": {"step_size": "0.12"}, "warmup": 0, "every": 3},
    "warm-up": {"algorithm": "langevin", "algorithm_parameters": {"step_size": "0.6"}, "warmup": 4000},
    "grouped": {"algorithm": "langevin", "algorithm_parameters": {"step_size": "0.4"}, "warmup": 0, "chains": 128},
    "single precision": {"algorithm": "langevin", "algorithm_parameters": {"step_size": "0.4"}, "dtype": "float32"},
}


@pytest.mark.parametrize("changes", DIVERGING.values(), ids=DIVERGING)
def test_a_field_that_is_not_finite_is_never_committed(tmp_path, changes):
    path = tmp_path / "ens"
    for _ in range(2):  # again: what is committed is fine, and the run ends as before
        with pytest.raises(SqcliError, match=r"ens: the field of chain \d+ is no longer finite by update \d+"):
            run(path, draws=5000, **changes)
    assert store.check(path) == []
    ensemble = store.open_ensemble(path)
    assert all(np.isfinite(ensemble.fields(chain)).all() for chain in range(ensemble.chains))


def test_a_start_that_is_not_finite_is_refused(tmp_path):
    fields = np.ones((1, 3, 4, 6))
    fields[0, 2, 1, 1] = np.nan
    write(tmp_path / "old", fields, theory="phi4", parameters={"kappa": 0.25, "lambda": 0.1}, seed=1)
    with pytest.raises(SqcliError, match="old: draw 2 of chain 0 is not finite: no start for a run"):
        run(tmp_path / "ens", start=str(tmp_path / "old"))


def test_a_start_that_does_not_fit_leaves_nothing_behind(whole, tmp_path):
    path = tmp_path / "ens"
    u1 = {"theory": "u1", "lattice": (2, 3), "parameters": {"beta": "1"}, "algorithm_parameters": {}}
    with pytest.raises(SqcliError, match="it holds phi of shape 4x6, the run needs phi of shape 6x4"):
        run(path, lattice=(6, 4), start=str(whole))
    write(tmp_path / "box", np.ones((1, 2, 2, 2, 3)), seed=1)
    with pytest.raises(SqcliError, match="it holds phi of shape 2x2x3, the run needs theta of shape 2x2x3"):
        run(path, start=str(tmp_path / "box"), **u1)
    assert not path.exists()
    run(path, start=str(whole))  # the mended command is not in its own way


def test_the_ensemble_to_start_from_is_not_erased(whole, tmp_path):
    path = tmp_path / "ens"
    run(path)
    before = snapshot(path)
    (tmp_path / "link").symlink_to(path)
    for start in (path, tmp_path / "link"):
        with pytest.raises(UsageError, match="is the ensemble that --force would erase"):
            run(path, start=str(start), force=True)
    assert snapshot(path) == before


def test_other_members_of_a_composite_are_refused_with_both_values(tmp_path):
    path = run(tmp_path / "ens", draws=2, **SYSTEMS["u1"])
    for updates in ("heatbath,overrelaxation:2", "heatbath,overrelaxation:2,hmc:2"):
        with pytest.raises(SqcliError, match=r"-a updates is heatbath:1,overrelaxation:2,hmc:1 there"):
            run(path, **SYSTEMS["u1"] | {"algorithm_parameters": {"updates": updates}})
    with pytest.raises(SqcliError, match=r"-a hmc.n_steps is 10 there, not 12"):
        run(path, **SYSTEMS["u1"] | {"algorithm_parameters": {"hmc.n_steps": "12"}})
    run(path, draws=3, **SYSTEMS["u1"] | {"algorithm_parameters": {"hmc.n_steps": "10"}})
