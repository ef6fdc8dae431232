"""Metropolis-adjusted annealed Langevin: the adjusted phase reaches the action's distribution whatever the network."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
import torch
from gaussians import ONE
from models import known_denoiser
from statistical import estimate, mean

from sqcli.diffusion.nets._base import Net
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers._annealed import annealed_of
from sqcli.diffusion.samplers._relaxation import Relaxation, autocorrelation_time, drift
from sqcli.diffusion.samplers.maala import AdjustedLangevin
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.parameters import build
from sqcli.runs.sampling.tiles import Proposals
from sqcli.theories.free import Free
from sqcli.theories.gaussian_mixture import GaussianMixture

SCHEDULE = Geometric(level_min=0.1, level_max=10.0)
SQUARE = Lattice((4, 4))


@pytest.mark.parametrize("leapfrog", [1, 4])
def test_a_wrong_network_is_corrected(leapfrog, judge):
    """The score of m² = 2 for the theory with m² = 0.8: wrong before the adjusted phase, right after it."""
    wrong = replace(known_denoiser(Free(mass2=2.0), SQUARE, SCHEDULE), theory=Free(mass2=0.8))
    sampler = AdjustedLangevin(n_steps=30, n_adjusted=400 // leapfrog**2, adjusted_leapfrog=leapfrog)
    exact = {"M2": 1 / (0.8 * 16), "phi2": Free(mass2=0.8).exact(SQUARE)["field_squared", None]}

    def sample(seed, size):
        drawn = sampler.draw(wrong, Noise(Stream(seed, 0), range(800 * size), (4, 4)))
        assert mean(drawn.stats["magnetization_before"] ** 2, exact["M2"]).z() < -8
        assert set(drawn.stats) == set(sampler.stats(wrong.theory))
        assert float(drawn.stats["langevin_time"][0]) == pytest.approx(400 * sampler.size(wrong))
        return {
            "M2": mean(drawn.fields.mean((1, 2)) ** 2, exact["M2"]),
            "phi2": mean((drawn.fields**2).mean((1, 2)), exact["phi2"]),
            "acceptance": mean(drawn.stats["acceptance_rate"], 0.7, tolerance=0.12),
        }

    judge.check(sample)


def test_two_gaussians_need_the_network_to_find_both(judge):
    theory = GaussianMixture(mu0=1.0, sigma0=0.25)
    denoiser = known_denoiser(theory, ONE, SCHEDULE, scale=2.0)
    sampler = AdjustedLangevin(n_steps=60, n_adjusted=60, adjusted_step=0.03)

    def sample(seed, size):
        x = sampler.draw(denoiser, Noise(Stream(seed, 0), range(2000 * size), (1,))).fields[:, 0]
        return {1: mean(x, 0.0), 2: mean(x**2, 1.0625), 4: mean(x**4, -2 + 3 * 1.0625**2)}

    judge.check(sample)


def worth(denoiser, **parameters):
    """Exactness as a run would state it, and what was measured."""
    return Proposals(denoiser, AdjustedLangevin(n_steps=20, **parameters), 3).exactness()


@pytest.mark.parametrize("tau", [2.0, 8.0])
def test_many_short_chains_tell_the_autocorrelation_time(tau, judge):
    """AR(1) with a common drift, 40 τ of 256 chains: four per cent is the standard error."""
    memory, length = (2 * tau - 1) / (2 * tau + 1), int(40 * tau)
    common = torch.linspace(0, 50, length, dtype=torch.float64)[:, None]

    def sample(seed, size):
        random = torch.Generator().manual_seed(seed)
        normal = torch.randn(length, 256 * size, dtype=torch.float64, generator=random)
        rows = [normal[0]]
        for row in normal[1:]:
            rows.append(memory * rows[-1] + (1 - memory**2) ** 0.5 * row)
        series = torch.stack(rows)
        assert drift(series + common) > 4
        time = autocorrelation_time(series + common)
        return {
            "tau": estimate(time / tau, 0.04 / size**0.5, 1.0, tolerance=0.02),
            "drift": estimate(drift(series), 1.0, 0.0),
        }

    judge.check(sample)


def test_frozen_chains_have_no_end_of_memory(seed):
    frozen = torch.randn(64, dtype=torch.float64, generator=torch.Generator().manual_seed(seed % 2**32)).expand(100, 64)
    assert autocorrelation_time(frozen) >= 10
    assert autocorrelation_time(torch.zeros(100, 64)) == math.inf
    assert Relaxation(100, 64, ("|M|",), (math.nan,), (0.0,)).exactness(0.1).status == "uncorrected"


def test_only_a_long_adjusted_phase_is_called_asymptotic():
    denoiser = known_denoiser(Free(mass2=0.5), SQUARE, SCHEDULE)
    assert worth(denoiser, n_adjusted=400).status == "asymptotic"
    short = worth(denoiser, n_adjusted=60)
    assert short.status == "uncorrected"
    assert re.search(r"60 Metropolis-adjusted steps = [3-9]\.?\d* tau_int of \|?M", short.reason), short.reason
    assert worth(denoiser, n_adjusted=0).status == AdjustedLangevin().exactness().status == "uncorrected"


def test_acceptance_near_one_proves_nothing():
    """Steps so small that all are accepted do not forget a wrong network."""
    wrong = replace(known_denoiser(Free(mass2=2.0), SQUARE, SCHEDULE), theory=Free(mass2=0.5))
    assert worth(wrong, n_adjusted=200, adjusted_step=1e-4).status == "uncorrected"


def test_means_that_still_move_are_not_equilibrium():
    found = Relaxation(1000, 64, ("|M|", "action"), (5.0, 2.0), (0.3, -4.5)).exactness(0.1)
    assert found.status == "uncorrected"
    assert "-4.5 sigma (action)" in found.reason


def test_signs_need_flips_unless_network_and_action_are_even():
    """Two wells far apart: |M| and M² are short-lived, M is not; what the network does of both wells is symmetric."""
    theory = GaussianMixture(mu0=3.0, sigma0=0.25)
    even = known_denoiser(theory, ONE, SCHEDULE, scale=2.0)
    steps = {"n_adjusted": 300, "adjusted_step": 0.03}
    assert worth(even, **steps).status == "asymptotic"
    tilted = replace(even, net=_Tilted(even.net))
    found = worth(tilted, **steps)
    assert found.status == "uncorrected"
    assert "tau_int of M " in found.reason


class _Tilted(Net):
    """A network with a preference for one sign."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, y, level, context):
        return self.net(y, level, context) + 0.3 * torch.tanh(level)


def test_draws_do_not_depend_on_their_batch(seed):
    denoiser = known_denoiser(Free(mass2=0.5), SQUARE, SCHEDULE)
    sampler = AdjustedLangevin(n_steps=4, n_adjusted=5)
    whole = sampler.draw(denoiser, Noise(Stream(seed, 0), range(4), (4, 4)))
    part = sampler.draw(denoiser, Noise(Stream(seed, 0), [2], (4, 4)))
    assert torch.equal(part.fields, whole.fields[[2]])


@pytest.mark.parametrize("values", [{"n_langevin": 0}, {"adjusted_step": -1}, {"step_size": 0}, {"n_steps": 0}])
def test_senseless_parameters_are_refused(values):
    with pytest.raises(UsageError, match="maala"):
        build(AdjustedLangevin, values, "sampler maala")


@dataclass(frozen=True)
class _Counted(Free):
    """The free theory; counts how often action and force are asked for."""

    calls: Counter = field(default_factory=Counter)

    def action(self, fields, lattice):
        self.calls["action"] += 1
        return super().action(fields, lattice)

    def drift(self, fields, lattice):
        self.calls["drift"] += 1
        return super().drift(fields, lattice)


def test_a_step_evaluates_action_and_force_once():
    """At the proposal alone: the state it starts from is carried along, and comes out as if computed anew."""
    theory = _Counted(mass2=0.5)
    denoiser = replace(known_denoiser(Free(mass2=0.5), SQUARE, SCHEDULE), theory=theory)
    sampler = AdjustedLangevin(n_steps=2, n_adjusted=50)
    sampler.draw(denoiser, Noise(Stream(1, 0), range(4), (4, 4)))
    assert theory.calls == {"action": 51, "drift": 51}
    noise = Noise(Stream(1, 0), range(4), (4, 4))
    for chains, *_ in sampler._stretches(denoiser, noise, sampler.descend(annealed_of(denoiser), noise), 1):
        assert torch.equal(chains.action, theory.action(chains.fields, SQUARE))
        assert torch.equal(chains.drift, theory.drift(chains.fields, SQUARE))
