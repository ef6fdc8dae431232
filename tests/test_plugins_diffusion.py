"""A net, a schedule, an objective, a sampler are one new file each: listed, trained, sampled, nothing else touched."""

import json

import pytest
from plugins import program
from statistical import reported

NET = '''"""Shrinking: D = v y/(v + s²) with one number v to learn."""

from dataclasses import dataclass

import torch
from torch import nn

from sqcli.diffusion.nets import Net


@dataclass(frozen=True)
class Shrinking:
    """`start` is the first v."""

    start: float = 1.0

    def check(self, problem):
        """Always possible."""

    def build(self, problem):
        """One parameter."""
        return _Shrink(self.start)


class _Shrink(Net):
    def __init__(self, start):
        super().__init__()
        self.log_v = nn.Parameter(torch.tensor(start).log())

    def forward(self, y, level, context):
        v = self.log_v.exp()
        return y * (v / (v + level.reshape(-1, *[1] * (y.dim() - 1)) ** 2)).to(y)
'''
SCHEDULE = '''"""Brownian: x_t = x₀ + speed t z."""

from dataclasses import dataclass

import torch

from sqcli.diffusion.schedules import Schedule


@dataclass(frozen=True)
class Brownian(Schedule):
    """`speed` of the noise."""

    speed: float = 30.0
    t_min: float = 1e-3
    t_max: float = 1.0

    def alpha(self, t):
        """One."""
        return torch.ones_like(t)

    def sigma(self, t):
        """Linear in t."""
        return self.speed * t

    def f(self, t):
        """Zero."""
        return torch.zeros_like(t)

    def g2(self, t):
        """dσ²/dt."""
        return 2 * self.speed**2 * t

    def time(self, level):
        """Inverse of the level."""
        return level / self.speed
'''
OBJECTIVE = '''"""Plain: the squared error of the denoiser at one level."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Plain:
    """`level` of the noise."""

    level: float = 0.5

    def loss(self, denoiser, x0, generator, extra=None):
        """(n,)."""
        level = torch.full((len(x0),), self.level, dtype=x0.dtype)
        y = x0 + self.level * torch.randn(x0.shape, dtype=x0.dtype, generator=generator)
        return ((denoiser.denoise(y, level, None) - x0) ** 2).flatten(1).mean(1)
'''
SAMPLER = '''"""Euler: the probability flow by plain steps in ln s."""

from dataclasses import dataclass

import torch

from sqcli.diffusion.samplers._ladder import LadderSampler


@dataclass(frozen=True)
class Euler(LadderSampler):
    """`n_steps` of them."""

    n_steps: int = 200

    def step(self, rung, y, memory):
        """y + (y - D) Δ ln s."""
        return y + torch.log(rung.low / rung.high) * (y - rung.denoise(y, rung.high)), None
'''


@pytest.fixture(scope="module")
def sq(tmp_path_factory):
    """sqcli from a copy of the package with four more files."""
    files = {"nets/shrinking": NET, "schedules/brownian": SCHEDULE, "objectives/plain": OBJECTIVE}
    files = {f"diffusion/{name}.py": text for name, text in (files | {"samplers/euler": SAMPLER}).items()}
    return program(tmp_path_factory.mktemp("plugins"), files)


@pytest.fixture(scope="module")
def data(sq, tmp_path_factory):
    """Independent numbers of variance 1/4."""
    path = tmp_path_factory.mktemp("data") / "e"
    sq("generate", path, "--theory", "free", "-p", "mass2=4", "--lattice", "1", "--algorithm", "exact", "--chains", 4,
       "--draws", 500, "--warmup", 0, "--seed", 1)  # fmt: skip
    return path


def test_new_files_are_listed_and_in_the_help(sq):
    for kind, said in (
        ("nets", "start=1.0"), ("schedules", "speed=30.0"), ("objectives", "level=0.5"), ("samplers", "n_steps=200"),
    ):  # fmt: skip
        assert said in sq("list", kind)
    text = sq("train", "--help")
    assert all(word in text for word in ("Shrinking", "Brownian", "Plain"))
    assert "probability flow by plain steps" in sq("sample", "--help")


def test_a_new_net_is_trained_with_a_new_schedule_by_a_new_objective(sq, data, tmp_path):
    """The optimum is known: v = 1, as x has the variance one in units of its scale."""
    model = tmp_path / "m"
    sq("train", data, "--out", model, "--net", "shrinking", "-a", "start=0.3", "--schedule", "brownian",
       "-a", "schedule.speed=20", "--objective", "plain", "-a", "objective.level=1.0", "--epochs", 40,
       "--learning-rate", 0.05, "--ema", 0.9, "--batch-size", 50, "--seed", 3, "--device", "cpu")  # fmt: skip
    told = json.loads(sq("show", model, "--format", "json"))
    assert told["schedule_parameters"]["speed"] == 20
    rows = (model / "metrics.csv").read_text().splitlines()
    head, first, last = (row.split(",") for row in (rows[0], rows[1], rows[-1]))
    loss = head.index("loss")
    assert float(last[loss]) < float(first[loss])
    assert float(last[loss]) == pytest.approx(0.5, abs=0.05)  # v s²/(v + s²), within what 2000 numbers of data allow


def test_a_new_sampler_draws_the_right_distribution(sq, data, tmp_path, judge):
    model = tmp_path / "m"
    sq("train", data, "--out", model, "--net", "analytic", "--schedule", "brownian", "--objective", "dsm",
       "--epochs", 1, "--seed", 3, "--device", "cpu")  # fmt: skip

    def sample(seed, size):
        path = tmp_path / str(size)
        sq("sample", model, path, "--method", "euler", "-a", "n_steps=400", "--draws", 2048 * size, "--seed", seed,
           "--device", "cpu")  # fmt: skip
        (row,) = json.loads(sq("measure", path, "--obs", "field_squared", "--format", "json"))["estimates"]
        assert "uncorrected" in row["flags"]
        return reported(row, 0.25)

    judge.check(sample)
