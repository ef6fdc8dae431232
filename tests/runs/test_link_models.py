"""Models of links: trainings and samplings in pieces end as unbroken ones, and what is called exact is exact."""

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from statistical import reported

from sqcli import store
from sqcli.analysis.measure import measure
from sqcli.cli._main import run as command
from sqcli.diffusion.models.model import Model
from sqcli.errors import Stopped, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.train import TrainRequest, train

SMALL_NET = {"channels": 2, "blocks": 1, "hidden": 4}
TINY = {"channels": 2, "blocks": 1}
STEPS = {"n_steps": "3"}
CASES = {
    "u1": {"line": "--theory u1 -p beta=1.5 --lattice 4x3", "net": "plaquette", "parameters": {}, "beta": 2.5},
    "u1cnn": {"line": "--theory u1 -p beta=1.5 --lattice 4x3", "net": "u1cnn", "parameters": TINY, "beta": 2},
    "su2": {"line": "--theory sun -p n=2 -p beta=2 --lattice 3x2", "net": "lcnn", "parameters": SMALL_NET, "beta": 2.6},
    "u2": {"line": "--theory un -p n=2 -p beta=2 --lattice 2x2", "net": "lcnn", "parameters": SMALL_NET, "beta": 2.5},
}  # fmt: skip
WAYS = {
    "path": {"method": "path", "method_parameters": STEPS},
    "chain": {"method": "path", "method_parameters": STEPS, "accept": "independence", "move": (2,), "warmup": 8},
    "interleaved": {
        "method": "path", "method_parameters": STEPS, "accept": "independence", "warmup": 8,
        "interleave": ("heatbath:1",),
    },
    "maala": {"method": "maala", "method_parameters": {"n_steps": "6", "n_adjusted": "10"}},
    "hmd": {"method": "hmd", "method_parameters": {"n_steps": "6", "n_adjusted": "10"}},
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(
    scope="module", params=["u1", "su2", *(pytest.param(each, marks=pytest.mark.slow) for each in ("u1cnn", "u2"))]
)
def case(request, tmp_path_factory):
    """A theory with an ensemble of it."""
    found = CASES[request.param]
    path = tmp_path_factory.mktemp("data") / "e"
    words = f"generate {path} {found['line']} --algorithm heatbath --chains 4 --draws 30 --warmup 20 --every 2 --seed 3"
    assert command([*words.split(), "--quiet"]) == 0
    return found | {"ensemble": path}


def training(case, path, **options):
    return TrainRequest.of(
        path, [case["ensemble"]], net=case["net"], parameters=case["parameters"], epochs=2, batch_size=16, seed=5,
        device="cpu", **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(case, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m"
    train(training(case, path), threading.Event(), lambda _: None)
    return path


class Late(threading.Event):
    """A stop that is seen from the `looks`-th look at it on."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks <= 0


def drawn(case, model, path, stop=None, **options):
    given = {"parameters": {"beta": str(case["beta"])}, "chains": 2, "draws": 16, "seed": 7, "device": "cpu"} | options
    sample(SampleRequest(model=model, path=path, **given), stop or threading.Event(), lambda _: None)
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


def test_a_training_in_pieces_ends_as_the_whole_one(case, model, tmp_path):
    path, looks = tmp_path / "m", 0
    while True:
        looks += 1
        with contextlib.suppress(Stopped):
            train(training(case, path), Late(4), lambda _: None)
            break
        assert looks < 50
    whole, pieces = (load_file(each / "weights.safetensors") for each in (model, path))
    assert whole.keys() == pieces.keys()
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)


@pytest.mark.slow
def test_a_training_killed_now_and_then_ends_as_the_whole_one(case, model, tmp_path):
    path, now = tmp_path / "m", random.Random(4)
    words = (
        f"train {case['ensemble']} --out {path} --net {case['net']} --epochs 2 --batch-size 16 --seed 5 --device cpu"
    )
    words += "".join(f" -a {name}={value}" for name, value in case["parameters"].items()) + " --checkpoint-every 0"
    for attempt in range(40):
        process = subprocess.Popen([sys.executable, "-m", "sqcli", *words.split(), "--quiet"])
        time.sleep(now.uniform(1.5, 6) * (1 + attempt / 10))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
    assert command([*words.split(), "--quiet"]) == 0
    whole, pieces = (load_file(each / "weights.safetensors") for each in (model, path))
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)


@pytest.mark.parametrize("way", WAYS)
def test_draws_depend_neither_on_pieces_nor_on_workers(case, model, tmp_path, way):
    options = WAYS[way]
    whole = drawn(case, model, tmp_path / "whole", workers=1, **options)
    for chain_range in ((1, 2), (0, 1)):
        drawn(case, model, tmp_path / "ranges", chain_range=chain_range, **options)
    assert_same(whole, tmp_path / "ranges")
    drawn(case, model, tmp_path / "extended", workers=3, **options | {"draws": 7})
    assert_same(whole, drawn(case, model, tmp_path / "extended", **options))
    for looks in (3, 40):
        with contextlib.suppress(Stopped):
            drawn(case, model, tmp_path / "stopped", Late(looks), workers=1, **options)
    assert_same(whole, drawn(case, model, tmp_path / "stopped", **options))
    assert store.check(whole) == []


@pytest.mark.parametrize("way", ["path", "chain", "interleaved"])
def test_a_little_trained_model_of_another_coupling_draws_exactly(case, model, tmp_path, way, judge):
    loaded = Model.load(model)
    theory = replace(loaded.theory, beta=case["beta"])
    exact = theory.exact(loaded.lattice)
    names = [name for name, component in exact if component is None and name != "log_z"]

    draws = 100 if way != "path" and case["net"] == "lcnn" else 600

    def sampled(seed, size):
        path = drawn(case, model, tmp_path / str(size), **WAYS[way] | {"draws": draws * size, "seed": seed})
        rows = measure(path, names).estimates
        assert {"path": "weighted"}.get(way, "exact") == store.open_ensemble(path).attrs["exactness"]["status"]
        return {row["observable"]: reported(row, exact[row["observable"], None]) for row in rows}

    judge.check(sampled)


def test_other_lattices_are_sampled(case, model, tmp_path):
    path = drawn(case, model, tmp_path / "e", lattice=(4, 4), draws=4, **WAYS["chain"])
    assert store.open_ensemble(path).attrs["lattice"] == [4, 4]
    with pytest.raises(UsageError):
        drawn(case, model, tmp_path / "f", lattice=(4, 4, 4, 4, 4), draws=4, **WAYS["chain"])


def test_samplers_of_real_fields_say_so(case, model, tmp_path):
    for method in ("sde", "ode", "dpm", "predictor_corrector"):
        with pytest.raises(UsageError, match="real fields"):
            drawn(case, model, tmp_path / "e", method=method)


def test_links_of_another_dimension_are_refused(case, model):
    with pytest.raises(UsageError, match="dimensions"):
        Model.load(model).process(lattice=Lattice((3, 3, 3)))
