"""No two runs share random numbers, whatever their seeds; ensembles of the earlier scheme go on with it."""

import threading
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import statistical

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.lattice.philox import Stream
from sqcli.runs.execution.streams import BY_SEED, SCHEME, Streams
from sqcli.runs.generate import Request, generate
from sqcli.runs.generation.agreement import new_spec
from sqcli.runs.generation.spec import RunSpec
from sqcli.runs.sampling.interleave import Move
from sqcli.runs.sampling.spec import SampleSpec

BASE = Request(
    path=Path("unset"),
    theory="free",
    lattice=(4, 4),
    parameters={"mass2": "0.5"},
    algorithm="hmc",
    algorithm_parameters={"step_size": "0.3", "n_steps": "3"},
    chains=8,
    draws=60,
    warmup=40,
    every=4,
    seed=7,
)
OTHERS = {
    "warm-up": {"warmup": 80},
    "cold": {"start": "cold"},
    "every": {"every": 2},
    "mass": {"parameters": {"mass2": "0.51"}},
    "step": {"algorithm_parameters": {"step_size": "0.3", "n_steps": "4"}},
    "single": {"dtype": "float32"},
}


def made(path, **changes):
    generate(replace(BASE, path=path, **changes), threading.Event(), lambda _: None)
    return path


def magnetisation(path):
    """(chains, draws)."""
    ensemble = store.open_ensemble(path)
    return np.stack([ensemble.fields(c) for c in range(ensemble.chains)]).mean(axis=(2, 3), dtype=np.float64)


def several(folder, **changes):
    """The run and those that differ from it in one option each."""
    return {name: made(folder / name, **changes | own) for name, own in {"base": {}, **OTHERS}.items()}


def test_runs_of_one_seed_share_no_configuration(tmp_path):
    found = []
    for path in several(tmp_path).values():
        ensemble = store.open_ensemble(path)
        rows = np.concatenate([ensemble.fields(c) for c in range(8)]).astype(np.float32).reshape(-1, 16)
        found.append(np.unique(rows, axis=0))  # a rejection repeats the configuration
    assert len(np.unique(np.concatenate(found), axis=0)) == sum(map(len, found))


def test_runs_of_one_seed_are_not_correlated(tmp_path, judge):
    """By the scheme of the seed alone hot and cold starts coalesce, and neighbouring masses correlate at 0.97."""

    def sample(seed, size):
        chains = 32 * size
        paths = several(tmp_path / str(seed), chains=chains, draws=20, seed=seed % 2**32)
        series = {name: magnetisation(path) for name, path in paths.items()}
        return {
            f"{one}, {other}": statistical.mean((series[one] * series[other]).mean(axis=1), 0.0)
            for one, other in combinations(series, 2)
        }

    judge.check(sample)


def test_every_use_has_a_key_of_its_own():
    spec = new_spec(BASE)
    streams = spec.streams
    keys = [
        streams.key(),
        streams.key("moves", 0),
        streams.key("moves", 1),
        new_spec(replace(BASE, seed=8)).streams.key(),
    ]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 2**64 for key in keys)
    assert streams.chain(3) == Stream(streams.key(), 3)
    assert Streams(BY_SEED, spec.identity, 7).key() == 7


def test_an_ensemble_of_the_earlier_scheme_goes_on_with_it(tmp_path):
    spec = replace(new_spec(BASE), scheme=BY_SEED)
    attributes = spec.attributes() | {"identity": spec.identity, "exactness": {"status": "exact", "reason": "test"}}
    store.create(tmp_path / "old", spec.layout(5), attributes)
    generate(Request(path=tmp_path / "old", draws=8), threading.Event(), lambda _: None)
    algorithm, stream = spec.algorithm_instance, Stream(7, 2)
    state = algorithm.init(spec.system, spec.theory_instance.manifold.hot(spec.system.lattice, stream), 40)
    state, _ = algorithm.step(spec.system, state, stream, 40, 40, False)
    expected = algorithm.step(spec.system, state, stream, 32, 4, False)[1].fields
    np.testing.assert_array_equal(store.open_ensemble(tmp_path / "old").fields(2), expected)


def test_a_sampled_ensemble_names_its_scheme():
    spec = SampleSpec.build(
        theory="free",
        parameters={"mass2": "0.5"},
        method="path",
        method_parameters={},
        lattice=(4, 4),
        interleave=[{"algorithm": "hmc", "updates": 1, "parameters": {}}],
        model="m",
        accept="independence",
        chains=1,
        seed=3,
        warmup=8,
    )
    again = SampleSpec.from_attributes(spec.attributes(), 1)
    assert (again.scheme, again.identity) == (SCHEME, spec.identity)
    old = SampleSpec.from_attributes(replace(spec, scheme=BY_SEED).attributes(), 1)
    assert old.streams.key() == 3
    assert old.streams.key("moves", 1) == (3 + 2 * 0x9E3779B97F4A7C15) % 2**64
    assert isinstance(old.moves[0], Move)


def test_an_unknown_scheme_is_refused():
    attributes = new_spec(BASE).attributes() | {"rng": "mt19937"}
    with pytest.raises(SqcliError, match="scheme that this sqcli does not know: 'mt19937'"):
        RunSpec.from_attributes(attributes, 8, "float64")


def test_a_run_of_another_command_is_told_apart():
    with pytest.raises(SqcliError, match="was not made by sample of this sqcli but by generate"):
        SampleSpec.from_attributes(new_spec(BASE).attributes(), 8)
    with pytest.raises(SqcliError, match="was not made by generate of this sqcli but by sample"):
        RunSpec.from_attributes(new_spec(BASE).attributes() | {"model": "m" * 64}, 8, "float64")
    incomplete = {name: value for name, value in new_spec(BASE).attributes().items() if name != "every"}
    with pytest.raises(SqcliError, match="was not made by generate of this sqcli: its attribute every is missing"):
        RunSpec.from_attributes(incomplete, 8, "float64")
