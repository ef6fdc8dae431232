"""A net, a schedule, an objective and a sampler are one new file each: listed, trained and sampled with."""

import json

import pytest
from plugins import program
from safetensors.torch import load_file
from statistical import reported

from sqcli.lattice.geometry import Lattice
from sqcli.theories.free import Free

NEW = {
    "diffusion/nets/wiener.py": '''"""Wiener filter of the data's spectrum, with a factor that is learnt."""

from dataclasses import dataclass

import torch
from torch import nn

from sqcli.diffusion.modes import filtered
from sqcli.diffusion.nets._base import Net


@dataclass(frozen=True)
class Wiener:
    """Size of the factor at the beginning."""

    factor: float = 1.5

    def check(self, problem):
        """Accept all problems."""

    def build(self, problem):
        """Build the network."""
        return _Net(self.factor)


class _Net(Net):
    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, y, level, context):
        s2 = (level**2).reshape(-1, *(1 for _ in y.shape[1:]))
        return self.factor * filtered(y, context.spectrum / (context.spectrum + s2), y.dim() - 1)
''',
    "diffusion/schedules/steady.py": '''"""Steady growth of the noise: α = 1, σ = rate · t."""

from dataclasses import dataclass

import torch

from sqcli.diffusion.schedules._base import Schedule


@dataclass(frozen=True)
class Steady(Schedule):
    """Rate and ends."""

    rate: float = 10.0
    t_min: float = 0.01
    t_max: float = 1.0

    def alpha(self, t):
        """1."""
        return torch.ones_like(t)

    def sigma(self, t):
        """Rate times t."""
        return self.rate * t

    def f(self, t):
        """0."""
        return torch.zeros_like(t)

    def g2(self, t):
        """2 rate² t."""
        return 2 * self.rate**2 * t

    def time(self, level):
        """Level over rate."""
        return level / self.rate
''',
    "diffusion/objectives/plain.py": '''"""Plain squares of the denoiser's error at one noise level."""

from dataclasses import dataclass

import torch

from sqcli.diffusion.objectives._noising import mean_square, noisy


@dataclass(frozen=True)
class Plain:
    """Noise level."""

    level: float = 1.0

    def loss(self, denoiser, x0, generator, extra=None):
        """Compute the mean square of the error."""
        x, given, _ = denoiser.split(x0)
        level = torch.full((len(x),), self.level, dtype=torch.float64, device=x.device)
        return mean_square(denoiser, denoiser.denoise(noisy(denoiser, x, level, generator), level, given) - x)
''',
    "diffusion/samplers/direct.py": '''"""Direct steps of the reverse process, exact where the denoiser is constant."""

from dataclasses import dataclass

import torch

from sqcli.diffusion.samplers._ladder import LadderSampler


@dataclass(frozen=True)
class Direct(LadderSampler):
    """Steps; noise is the reverse process's."""

    n_steps: int = 200

    def step(self, rung, y, memory):
        """Take one step."""
        r2 = (rung.low / rung.high) ** 2
        y = r2 * y + (1 - r2) * rung.denoise(y, rung.high)
        return y + rung.low * torch.sqrt(1 - r2) * rung.normal(), None
''',
}


@pytest.fixture(scope="module")
def sq(tmp_path_factory):
    """sqcli from a copy of the package with four more files."""
    return program(tmp_path_factory.mktemp("new"), NEW)


def test_new_files_are_listed(sq):
    assert "factor=1.5" in sq("list", "nets")
    assert "rate=10.0" in sq("list", "schedules")
    assert "level=1.0" in sq("list", "objectives")
    assert "n_steps=200" in sq("list", "samplers")


def test_a_model_of_new_parts_draws_the_free_field(sq, tmp_path, judge):
    """The net is exact for this theory once its factor is one, which training finds to half a per cent."""
    data, model = tmp_path / "data", tmp_path / "model"
    sq("generate", data, "--theory", "free", "--lattice", "4x4", "-p", "mass2=0.5", "--algorithm", "exact",
       "--chains", 8, "--draws", 4096, "--seed", 1)  # fmt: skip
    sq("train", data, "--out", model, "--net", "wiener", "--schedule", "steady", "--objective", "plain",
       "--epochs", 1, "--batch-size", 128, "--learning-rate", 0.05, "--ema", 0.95, "-a", "factor=0.5",
       "-a", "objective.level=0.7", "-a", "schedule.rate=12", "--seed", 2)  # fmt: skip
    assert float(load_file(model / "weights.safetensors")["net.factor"]) == pytest.approx(1, abs=0.01)
    exact = Free(mass2=0.5).exact(Lattice((4, 4)))["field_squared", None]

    def sample(seed, size):
        path = tmp_path / str(size)
        sq("sample", model, path, "--method", "direct", "-a", "n_steps=400", "--draws", 2000 * size, "--seed", seed)
        (row,) = json.loads(sq("measure", path, "--obs", "field_squared", "--format", "json"))["estimates"]
        assert "uncorrected" in row["flags"]
        return reported(row, exact, tolerance=0.05 * exact)

    judge.check(sample)
