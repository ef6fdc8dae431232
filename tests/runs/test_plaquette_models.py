"""A network of plaquettes trained for seconds: what every sampler makes of it is right, and it has learnt something."""

import threading

import numpy as np
import pytest
from drawn import write
from statistical import reported

from sqcli import store
from sqcli.analysis.measure import measure
from sqcli.lattice.geometry import Lattice
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.train import TrainRequest, train
from sqcli.theories.u1 import U1

THEORY, LATTICE = U1(1.0), Lattice((6, 6))
WAYS = {
    "path": ({"n_steps": "8"}, {"accept": "independence", "warmup": 8}, "exact"),
    "maala": ({"n_steps": "20", "n_adjusted": "150"}, {}, "asymptotic"),
    "hmd": ({"n_steps": "20", "n_adjusted": "150"}, {}, "asymptotic"),
}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def models(tmp_path_factory, seed_for):
    """Networks with two nodes, which leave much to learn: untrained but for the name, and trained."""
    path = tmp_path_factory.mktemp("models")
    normals = np.random.default_rng(seed_for("plaquettes")).standard_normal((400, 2 * LATTICE.volume))
    fields = THEORY.independent(normals, LATTICE).reshape(4, 100, 2, 6, 6)
    write(path / "e", fields, "u1", {"beta": THEORY.beta}, field="theta", seed=1)
    for name, epochs, rate in (("fresh", 1, 1e-12), ("trained", 40, 1e-2)):
        options = {"parameters": {"nodes": 2}, "batch_size": 32, "seed": 5, "ema": 0.9, "device": "cpu"}
        request = TrainRequest.of(
            path / name, [path / "e"], net="plaquette", epochs=epochs, learning_rate=rate, **options
        )
        train(request, threading.Event(), lambda _: None)
    return path


def drawn(models, name, way, path, seed, draws):
    parameters, options, _ = WAYS[way]
    request = SampleRequest(
        model=models / name, path=path, method=way, method_parameters=parameters, chains=4, draws=draws, seed=seed,
        device="cpu", **options,
    )  # fmt: skip
    sample(request, threading.Event(), lambda _: None)
    return store.open_ensemble(path)


@pytest.mark.parametrize("way", WAYS)
def test_plaquette_and_charge_are_right(models, way, tmp_path, judge):
    exact, names = THEORY.exact(LATTICE), ["plaquette", "topological_susceptibility"]

    def sampled(seed, size):
        path = tmp_path / str(size)
        found = drawn(models, "trained", way, path, seed, 100 * size)
        assert found.attrs["exactness"]["status"] == WAYS[way][2], found.attrs["exactness"]
        return {
            row["observable"]: reported(row, exact[row["observable"], None]) for row in measure(path, names).estimates
        }

    judge.check(sampled)


def test_more_proposals_are_accepted_after_training(models, tmp_path, seed):
    shares = [
        np.mean(drawn(models, name, "path", tmp_path / name, seed, 200).stat("accepted"))
        for name in ("fresh", "trained")
    ]
    assert shares[1] > shares[0] + 0.1
