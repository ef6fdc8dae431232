"""Sample: interrupted, extended, split into ranges or workers, an ensemble ends as an unbroken one, bit for bit."""

import contextlib
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from altered import alter
from models import known_model

from sqcli import registry, store
from sqcli.diffusion.device import torch_threads
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.samplers.path import Path as PathSampler
from sqcli.errors import SqcliError, Stopped, UsageError
from sqcli.runs.execution import pending
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.sampling import spec as sample_spec

PLAIN = {"method": "path", "method_parameters": {"n_steps": "3"}}
WALK = PLAIN | {"accept": "independence", "warmup": 20}
MOVING = WALK | {"interleave": ("hmc:2", "wolff"), "method_parameters": {"n_steps": "3", "hmc.n_steps": "3"}}
PARTLY = WALK | {"move": (2, 1)}
KINDS = {"plain": PLAIN, "independence": WALK, "interleaved": MOVING, "partial": PARTLY}
DRAWS = 150


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return known_model(tmp_path_factory.mktemp("model") / "m")


def run(model, path, stop=None, progress=lambda _: None, **changes):
    base = {"parameters": {"mass2": "0.6"}, "chains": 2, "draws": DRAWS, "seed": 7, "device": "cpu"} | PLAIN
    request = SampleRequest(model=Path(model), path=path, **base | changes)
    sample(request, stop or threading.Event(), progress)
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


@pytest.fixture(scope="module", params=KINDS)
def options(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def whole(model, options, tmp_path_factory):
    return run(model, tmp_path_factory.mktemp("whole") / "ens", workers=1, **options)


def test_finished_run_changes_nothing(model, whole, options):
    before = snapshot(whole)
    run(model, whole, **options)
    sample(SampleRequest(model=model, path=whole), threading.Event(), lambda _: None)
    assert snapshot(whole) == before
    assert store.check(whole) == []


def test_weights_are_read_once_and_each_worker_computes_with_one_thread(model, tmp_path, monkeypatch):
    reads, threads, load, draw = [], set(), Model.load, PathSampler.draw
    monkeypatch.setattr(Model, "load", lambda *args: reads.append(args) or load(*args))
    monkeypatch.setattr(PathSampler, "draw", lambda *args: threads.add(torch.get_num_threads()) or draw(*args))
    with torch_threads(2):
        run(model, tmp_path / "ens", workers=3)
        assert torch.get_num_threads() == 2
        started = threading.Thread(target=lambda: threads.add(10 * torch.get_num_threads()))
        started.start()
        started.join()
    assert threads == {1, 20}
    assert len(reads) == 1


def test_workers_do_not_matter(model, whole, options, tmp_path):
    assert_same(whole, run(model, tmp_path / "ens", workers=3, **options))


def test_a_single_chain_is_the_first_of_several(model, whole, options, tmp_path):
    path = run(model, tmp_path / "ens", chains=1, workers=2, **options)
    np.testing.assert_array_equal(contents(path)["fields"][0], contents(whole)["fields"][0])
    assert store.open_ensemble(path).attrs["identity"] == store.open_ensemble(whole).attrs["identity"]


def test_chain_ranges_make_one_ensemble(model, whole, options, tmp_path):
    for chain_range in ((1, 2), (0, 1)):
        run(model, tmp_path / "ens", chain_range=chain_range, **options)
    assert_same(whole, tmp_path / "ens")


def test_ranks_make_one_ensemble(model, whole, options, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        run(model, tmp_path / "ens", **options)
    assert_same(whole, tmp_path / "ens")
    with pytest.raises(UsageError, match="--force under several ranks"):
        run(model, tmp_path / "ens", force=True, **options)


class Late(threading.Event):
    """A stop that is seen from the `looks`-th look at it on, wherever that is."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks <= 0


def test_a_stop_in_the_middle_of_draws_loses_only_those(model, whole, options, tmp_path):
    for looks in (*range(1, 30), 60, 100, 200):
        with contextlib.suppress(Stopped):
            run(model, tmp_path / "ens", Late(looks), workers=1, **options)
    assert_same(whole, run(model, tmp_path / "ens", **options))


def test_a_stop_in_the_middle_of_a_move_keeps_the_chains_of_a_group_in_step(model, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "default_chain_group", lambda *_: 4)
    many = MOVING | {"chains": 4, "draws": 3, "warmup": 4, "workers": 1}
    whole = run(model, tmp_path / "whole", **many)
    assert store.open_ensemble(whole).layout.chain_group == 4
    for looks in range(20, 60):
        with contextlib.suppress(Stopped):
            run(model, tmp_path / "ens", Late(looks), **many)
    assert_same(whole, run(model, tmp_path / "ens", **many))


@pytest.mark.parametrize("method", registry.names("diffusion/samplers"))
def test_every_sampler_stops_in_the_middle_of_a_tile(method, model, tmp_path):
    """Steps without end: only looking at the stop in each of them lets this come back."""
    steps = {"n_steps": "100000"} | ({"n_steps": "2", "n_adjusted": "100000"} if method == "maala" else {})
    with pytest.raises(Stopped, match="run again to go on"):
        run(model, tmp_path / "ens", Late(30), method=method, method_parameters=steps, workers=1)


def test_a_run_made_with_other_tiles_goes_on_with_them(model, tmp_path, monkeypatch):
    flow = {"method": "ode", "method_parameters": {"n_steps": "3"}, "chains": 1}
    assert store.open_ensemble(run(model, tmp_path / "new", **flow, draws=1)).attrs["rng"].endswith("tiles of 8 draws")
    with monkeypatch.context() as patched:
        patched.setattr(sample_spec, "tile_size", lambda *_: 32)
        whole = run(model, tmp_path / "whole", **flow, draws=40)
        run(model, tmp_path / "ens", **flow, draws=20)
    assert_same(whole, run(model, tmp_path / "ens", **flow, draws=40))
    assert store.open_ensemble(whole).attrs["rng"].endswith("tiles of 32 draws")


def test_extension_continues(model, whole, options, tmp_path):
    path = run(model, tmp_path / "ens", **options | {"draws": 10})
    run(model, path, **options | {"draws": 5})
    assert list(store.open_ensemble(path).draws) == [10, 10]
    run(model, path, **options | {"draws": 75})
    sample(SampleRequest(model=model, path=path, extend=DRAWS - 75), threading.Event(), lambda _: None)
    assert_same(whole, path)


class After(threading.Event):
    """An event that counts how often it is looked at, and is set from the n-th look on."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0 or super().is_set()


@pytest.mark.parametrize("interval", [0.0, 100.0])
def test_run_stopped_again_and_again_is_the_unbroken_run(model, whole, options, tmp_path, monkeypatch, interval):
    monkeypatch.setattr(pending, "INTERVAL", interval)
    stops = 0
    for looks in range(2, 2000, 37):
        try:
            run(model, tmp_path / "broken", stop=After(looks), workers=1, **options)
            break
        except Stopped:
            stops += 1
            if store.is_ensemble(tmp_path / "broken"):
                assert store.check(tmp_path / "broken") == []
    assert stops
    assert_same(whole, tmp_path / "broken")


def test_many_short_chains_share_groups(model, tmp_path):
    path = run(model, tmp_path / "ens", chains=64, draws=2)
    assert store.open_ensemble(path).layout.chain_group > 1
    one = run(model, tmp_path / "one", chains=2, draws=2)
    np.testing.assert_array_equal(contents(path)["fields"][:2], contents(one)["fields"])


def test_root_attributes_say_what_it_is(model, whole, options):
    attrs = store.open_ensemble(whole).attrs
    assert attrs["theory"], attrs["parameters"] == ("free", {"mass2": 0.6})
    assert (attrs["algorithm"], attrs["lattice"], attrs["every"]) == ("path", [4, 4], 1)
    way = os.path.relpath(model, whole.parent)  # from beside the ensemble
    assert attrs["provenance"]["parents"] == [{"model": way, "identity": "m" * 64}]
    assert attrs["exactness"]["status"] == ("weighted" if options is PLAIN else "exact")
    assert attrs["warmup"] == options.get("warmup", 0)
    assert attrs["start"] == "model"


def test_log_weights_are_those_of_path_and_action(whole, options):
    found = contents(whole)
    assert np.isfinite(found["log_weight"]).all()
    assert found["fields"].dtype == np.float64
    if options is not PLAIN:
        assert 0.05 < found["accepted"].mean() < 1


def test_other_lattices_have_other_sizes(model, tmp_path):
    path = run(model, tmp_path / "ens", lattice=(6, 4), draws=3)
    assert store.open_ensemble(path).layout.site == (6, 4)


def test_seed_and_chain_decide(model, whole, options, tmp_path):
    other = contents(run(model, tmp_path / "ens", **options | {"seed": 8}))["fields"]
    same = contents(whole)["fields"]
    assert not np.array_equal(other[0], same[0])
    assert not np.array_equal(same[0], same[1])


DIFFERENT = [
    ({"seed": 8}, "--seed is 7 there, not 8"),
    ({"method": "sde"}, "--method is path there, not sde"),
    ({"lattice": (8, 8)}, "--lattice is 4x4 there, not 8x8"),
    ({"chains": 3}, "--chains is 2 there, not 3"),
    ({"parameters": {"mass2": "0.7"}}, "-p mass2 is 0.6 there, not 0.7"),
    ({"method_parameters": {"n_steps": "4"}}, "-a n_steps is 3 there, not 4"),
    ({"accept": "none"}, "--accept is independence there, not none"),
    ({"warmup": 21}, "--warmup is 20 there, not 21"),
    ({"interleave": ("hmc:3",)}, "--interleave is hmc:2,wolff:1 there, not hmc:3"),
    ({"method_parameters": {"hmc.n_steps": "4"}}, "-a hmc.n_steps is 3 there, not 4"),
]


@pytest.mark.parametrize(("change", "line"), DIFFERENT)
def test_options_that_differ_are_named(model, tmp_path_factory, change, line):
    path = tmp_path_factory.getbasetemp() / "different"
    if not store.is_ensemble(path):
        run(model, path, **MOVING | {"draws": 2})
    with pytest.raises(SqcliError, match=line):
        run(model, path, **MOVING | {"draws": 2} | change)


def test_another_model_is_told(model, tmp_path):
    path = run(model, tmp_path / "ens", draws=2)
    other = known_model(tmp_path / "other", identity="o" * 64)
    with pytest.raises(SqcliError, match=r"the model's identity .* is mmmmmmmmmmmm there, not oooooooooooo"):
        run(other, path, draws=2)


WRONG = [
    ({"method": None}, UsageError, "to create it, give --method"),
    ({"draws": None}, UsageError, "to create it, give --draws"),
    ({"method": "nothing"}, UsageError, "no sampler 'nothing'"),
    ({"method_parameters": {"steps": "3"}}, UsageError, "method path has no parameter 'steps'"),
    ({"parameters": {"mass": "3"}}, UsageError, "theory free has no parameter 'mass'"),
    ({"parameters": {"mass2": "-3"}}, UsageError, "mass2 must be positive"),
    ({"lattice": (4, 4, 4)}, UsageError, "2 dimensions"),
    ({"interleave": ("hmc:2",)}, UsageError, "--interleave, --move and --warmup are for"),
    ({"move": (1,)}, UsageError, "--interleave, --move and --warmup are for"),
    (WALK | {"move": (4,)}, UsageError, "--move 4: the paths have 3 rungs"),
    ({"warmup": 10}, UsageError, "--interleave, --move and --warmup are for"),
    (WALK | {"interleave": ("hmc:0",)}, UsageError, "takes ALGORITHM:UPDATES"),
    (WALK | {"interleave": ("hmc,hmc",)}, UsageError, "names hmc twice"),
    (WALK | {"interleave": ("langevin",)}, UsageError, "does not leave exp.-S. invariant"),
    (WALK | {"interleave": ("hmc",), "warmup": 0}, UsageError, "step_size=auto is tuned during warm-up"),
    (WALK | {"method_parameters": {"hmc.n_steps": "3"}}, UsageError, "hmc is not interleaved"),
    (WALK | {"method": "sde", "method_parameters": {}}, UsageError, "density of proposals, which sde does not give"),
    ({"chain_range": (0, 3)}, UsageError, "does not lie within the 2 chains"),
    ({"resume": True}, SqcliError, "no ensemble to go on with"),
    ({"model": Path("/nowhere")}, SqcliError, "no such model"),
    ({"draws": 10**15}, SqcliError, "bytes are free"),
]


@pytest.mark.parametrize(("change", "kind", "line"), WRONG)
def test_bad_requests_are_one_line(model, tmp_path, change, kind, line):
    path = tmp_path / "ens"
    with pytest.raises(kind, match=line) as caught:
        run(change.pop("model", model), path, **change)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert not path.exists()


def test_foreign_ensembles_are_left_alone(model, tmp_path):
    path = run(model, tmp_path / "ens", draws=2)
    alter(path, accept=None)
    with pytest.raises(SqcliError, match="was not made by sample"):
        run(model, path)
