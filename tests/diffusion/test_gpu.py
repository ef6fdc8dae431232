"""An accelerator computes what the processor does, and trains models whose weighted draws are right (`-m gpu`)."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from gauge import CASES, built, context_of, links_of, process_of
from models import known_model

from sqcli import store
from sqcli.analysis.measure import measure
from sqcli.cli._main import run as command
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers.path import Path as PathSampler
from sqcli.lattice.philox import Stream
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.train import TrainRequest, train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is there"),
]
CUDA = torch.device("cuda")
NETS = [("u1cnn", "u1"), *(("lcnn", case) for case in CASES if not case.startswith("u1"))]
TRAININGS = {
    "free": ("--theory free -p mass2=0.5 --lattice 8x8 --algorithm exact", "spectral"),
    "phi4": ("--theory phi4 -p kappa=0.25 -p lambda=0.022 --lattice 8x8 --algorithm fahmc", "spectral"),
    "u1": ("--theory u1 -p beta=2 --lattice 8x8 --algorithm exact", "plaquette"),
    "links": ("--theory u1 -p beta=1 --lattice 4x4 --algorithm exact", "u1cnn"),
    "su2": ("--theory sun -p n=2 -p beta=1.5 --lattice 4x4 --algorithm exact", "lcnn"),
}


@pytest.mark.parametrize(("net", "case"), NETS, ids=[f"{net}-{case}" for net, case in NETS])
def test_scores_of_links_are_those_of_the_processor(net, case):
    network, links, level = built(net, case).eval(), links_of(case), torch.tensor([0.3, 0.9], dtype=torch.float64)
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=random)
    here = network(links, level, context_of(case, 2))
    context = replace(context_of(case, 2), couplings=torch.zeros(2, 0, dtype=torch.float64, device=CUDA))
    there = network.to(CUDA)(links.to(CUDA), level.to(CUDA), context)
    for one, other in zip(here, there, strict=True):
        assert other.device.type == "cuda"
        torch.testing.assert_close(other.cpu(), one, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("u1")])
def test_paths_of_links_are_those_of_the_processor(case):
    process = process_of(built("lcnn", case).eval(), case)
    moved = replace(
        process,
        net=built("lcnn", case).eval().to(CUDA),
        statistics=process.statistics.to(CUDA),
        couplings=process.couplings.to(CUDA),
    )
    tangent = process.manifold.tangent(process.lattice)
    ends = [
        PathSampler(n_steps=6).draw(each, Noise(Stream(5, 0), range(4), tangent, device))
        for each, device in ((process, "cpu"), (moved, "cuda"))
    ]
    torch.testing.assert_close(ends[1].fields.cpu(), ends[0].fields, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ends[1].log_density.cpu(), ends[0].log_density, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module", params=list(TRAININGS))
def trained(request, tmp_path_factory):
    """An ensemble, and a model trained on it by the accelerator."""
    path = tmp_path_factory.mktemp(request.param)
    words, net = TRAININGS[request.param]
    line = f"generate {path / 'e'} {words} --chains 4 --draws 500 --every 1 --warmup 100 --seed 3 --quiet"
    assert command(line.split()) == 0
    wanted = TrainRequest.of(path / "m", [path / "e"], net=net, epochs=4, batch_size=128, seed=5, device="cuda")
    train(wanted, threading.Event(), lambda _: None)
    return path


def drawn(path, name, **options):
    wanted = {"method": "path", "method_parameters": {"n_steps": "12"}, "chains": 2, "draws": 512, "seed": 7} | options
    sample(SampleRequest(model=path / "m", path=path / name, **wanted), threading.Event(), lambda _: None)
    return path / name


def test_draws_of_a_trained_model_are_those_of_the_processor(trained):
    paths = [drawn(trained, device, device=device, draws=32) for device in ("cpu", "cuda")]
    here, there = (store.open_ensemble(path).fields(0) for path in paths)
    turns = np.abs(np.exp(1j * here) - np.exp(1j * there)) if "links" in str(trained) else np.abs(here - there)
    assert np.mean(turns.reshape(len(here), -1).max(1) < 0.01) > 0.9


def test_weighted_draws_of_the_accelerator_are_right(trained):
    """The mean of the action, by draws of the accelerator as proposals, and by the ensemble trained on."""
    ours = drawn(trained, "chain", device="cuda", accept="independence", warmup=64, draws=2048)
    (one, *_), (other, *_) = (measure(path, ["action"]).estimates for path in (ours, trained / "e"))
    assert abs(one["value"] - other["value"]) < 4 * np.hypot(one["error"], other["error"])


def test_the_exact_model_on_the_accelerator_has_weights_of_one(tmp_path):
    path = known_model(tmp_path / "m")
    wanted = SampleRequest(
        model=path, path=tmp_path / "e", method="path", method_parameters={"n_steps": "8"}, chains=1, draws=64, seed=3,
        device="cuda",
    )  # fmt: skip
    sample(wanted, threading.Event(), lambda _: None)
    weights = np.concatenate(store.open_ensemble(tmp_path / "e").stat("log_weight"))
    assert np.std(weights) < 1e-6
