"""Training against a straight PyTorch loop of the same network: noise, forward, backward, optimizer, nothing else."""

import threading

import pytest
import torch
from _ratio import interleaved

from sqcli.diffusion.models.files import read_document
from sqcli.diffusion.nets._base import Context
from sqcli.diffusion.training.distributed import Ranks
from sqcli.diffusion.training.trainer import Trainer
from sqcli.errors import Stopped
from sqcli.runs.generate import Request, generate
from sqcli.runs.train import TrainRequest, train
from sqcli.runs.training.job import job_of

SIDE, BATCH = 16, 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    request = Request(
        path=folder / "data", theory="phi4", lattice=(SIDE, SIDE), parameters={"kappa": 0.25, "lambda": 0.022},
        algorithm="wolff", chains=4, draws=512, warmup=100, every=2, seed=1,
    )  # fmt: skip
    generate(request, threading.Event(), lambda _: None)
    return folder


def ours(folder, net):
    """One step of the trainer."""
    request = TrainRequest.of(
        ensembles=(folder / "data",), path=folder / net, net=net, schedule="ve", objective="dsm", epochs=1000,
        batch_size=BATCH, seed=1, device="cpu",
    )  # fmt: skip
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        train(request, stop, lambda _: None)
    trainer = Trainer(job_of(request, read_document(folder / net)), Ranks(), False, True)
    return lambda: trainer._step(False), trainer


def straight(trainer):
    """The same by hand, on data in memory, without average of the weights, symmetries, or float64 fields."""
    denoiser = trainer._process(trainer.job.design.build_net(1), 0)
    net, schedule = denoiser.net.train(), denoiser.schedule
    x = trainer.datasets[0].some(1024).float() / denoiser.scale
    context = Context(denoiser.spectrum(None).float(), torch.zeros(BATCH, 0))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)

    def step():
        x0 = x[torch.randint(len(x), (BATCH,))]
        t = torch.rand(BATCH, dtype=torch.float64) * (schedule.t_max - schedule.t_min) + schedule.t_min
        level = schedule.level(t).float()
        y = x0 + level[:, None, None] * torch.randn_like(x0)
        loss = (((net(y, level, context) - x0) / level[:, None, None]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    return step


@pytest.mark.parametrize("net", ["unet", "ncsnpp"])
def test_a_training_step(benchmark, folder, net):
    torch.set_num_threads(1)
    mine, trainer = ours(folder, net)
    ratio, a, b = interleaved(mine, straight(trainer), rounds=9, seconds=0.5)
    benchmark.extra_info.update(throughput_over_straight=1 / ratio, ours_ms=1e3 * a, straight_ms=1e3 * b)
    print(f"{net}: {1e3 * a:.1f} ms a step, straight loop {1e3 * b:.1f}, throughput ratio {1 / ratio:.2f}")  # noqa: T201
    benchmark.pedantic(mine, rounds=3)
