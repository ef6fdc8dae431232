"""Objectives on known posteriors; implicit and denoising score matching differ by a constant."""

import numpy as np
import pytest
import torch
from built import design, fields, model
from statistical import mean

from sqcli.diffusion.models.design import Choice
from sqcli.diffusion.nets._base import Net
from sqcli.diffusion.objectives._noising import draw_levels
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics


class Linear(Net):
    """D = gain · G/(G + s²) y: the exact denoiser of white data of variance G for a gain of 1."""

    def __init__(self, gain=1.0, slow=False):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(gain, dtype=torch.float64))
        self.__class__ = type("Linear", (Linear,), {"slow_mode": slow})

    def forward(self, y, level, context):
        s2 = level.reshape(-1, *(1,) * (y.dim() - 1)) ** 2
        return self.gain * y * context.spectrum / (context.spectrum + s2)


def white(gain=1.0, variance=0.6, slow=False):
    made = design()
    one = torch.ones(1, dtype=torch.float64)
    statistics = ModeStatistics(1.0, one, one[None] / variance, one, one[None], torch.zeros(0))
    return Denoiser(Linear(gain, slow), statistics, made.schedule, made.theory, made.lattice, torch.zeros(0))


def objective(name, **options):
    return Choice.build("objective", name, options).value


def losses(name, denoiser, seed, n=20_000, **options):
    x0 = 0.6**0.5 * fields((4, 4), n, seed)
    return objective(name, **options).loss(denoiser, x0, torch.Generator().manual_seed(seed)).detach()


def test_levels_fill_the_range_evenly():
    denoiser = white()
    for how, coordinate in (("log", torch.log), ("schedule", denoiser.schedule.time)):
        levels = draw_levels(denoiser, 100, how, torch.Generator().manual_seed(2))
        ends = [coordinate(torch.tensor(getattr(denoiser.schedule, f"level_{end}")).double()) for end in ("min", "max")]
        place = (coordinate(levels) - ends[0]) / (ends[1] - ends[0]) * 100
        assert torch.equal(place.floor().sort().values.clamp(0, 99), torch.arange(100).double())


def test_denoising_loss_of_the_exact_denoiser(judge):
    """E ‖D − x₀‖²/s² per mode = G/(G + s²), averaged over ln s."""
    denoiser = white()
    s = denoiser.schedule.levels(4000)
    expected = torch.trapezoid(0.6 / (0.6 + s**2), s.log()) / (s[-1] / s[0]).log()

    def sample(seed, size):
        return mean(losses("dsm", denoiser, seed, 20_000 * size, weighting="sigma2"), float(expected))

    judge.check(sample)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("dsm", {"weighting": weighting}) for weighting in ("sigma2", "edm", "likelihood", "snr")),
        ("dsm", {"levels": "schedule"}),
        ("ism", {}),
        ("ism", {"divergence": "exact"}),
    ],
)
def test_the_exact_denoiser_is_the_minimum(name, options, judge):
    """The derivative by a parameter vanishes there, and has the right sign beside it."""

    def slopes(gain, seed, parts):
        denoiser, random = white(gain), torch.Generator().manual_seed(seed)
        for part in range(parts):
            denoiser.net.zero_grad()
            x0 = 0.6**0.5 * fields((4, 4), 250, seed + part)
            objective(name, **options).loss(denoiser, x0, random).mean().backward()
            yield float(denoiser.net.gain.grad)

    def sample(seed, size):
        found = {gain: list(slopes(gain, seed, 40 * size)) for gain in (0.9, 1.0, 1.1)}
        return {"below": mean(found[0.9], at_most=0.0), "there": mean(found[1.0], 0.0)} | {
            "above": mean(found[1.1], at_least=0.0),
            "rise": mean(np.subtract(found[1.1], found[0.9]), at_least=0.02),
        }

    judge.check(sample)


def test_implicit_and_denoising_differ_by_a_constant(judge):
    """E [s² (‖s_θ‖² + 2 ∇·s_θ)] = E ‖D − x₀‖²/s² − 1 per mode, for any D."""

    def difference(gain, seed, n):
        implicit = losses("ism", white(gain), seed, n, divergence="exact")
        return implicit - losses("dsm", white(gain), seed, n, weighting="sigma2")

    def sample(seed, size):
        return {gain: mean(difference(gain, seed, 20_000 * size), -1.0) for gain in (0.7, 1.3)}

    judge.check(sample)


def test_random_signs_estimate_the_divergence(judge):
    made = model("mlp", (2, 2))

    def claim(seed, size):
        x0 = fields((2, 2), 4, seed)
        exact, some = (
            objective("ism", **options).loss(made.denoiser(), x0, torch.Generator().manual_seed(seed)).detach()
            for options in ({"divergence": "exact"}, {"probes": 400 * size})
        )
        torch.testing.assert_close(some, exact, rtol=0.05, atol=0.05)

    judge.twice(claim)


def test_the_slow_mode_is_left_out():
    """Neither noise nor error nor divergence has a mean when M is drawn first."""
    seen = []

    class Spy(Linear):
        def forward(self, y, level, context):
            seen.append(y.mean((1, 2)).abs().max())
            return super().forward(y, level, context) - y.mean((1, 2), keepdim=True)

    denoiser = white(slow=True)
    statistics = model("spectral").ensembles[0].statistics
    net = Spy()
    net.__class__ = type("Spy", (Spy,), {"slow_mode": True})
    rest = [getattr(denoiser, name) for name in ("schedule", "theory", "lattice", "couplings")]
    denoiser = Denoiser(net, statistics, *rest)
    for name, options in (("dsm", {}), ("ism", {"divergence": "exact"})):
        objective(name, **options).loss(denoiser, fields((4, 4), 8), torch.Generator().manual_seed(1))
    assert max(seen) < 1e-12
