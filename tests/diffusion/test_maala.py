"""Metropolis-adjusted annealed Langevin: the adjusted phase reaches the action's distribution whatever the network."""

from dataclasses import replace

import pytest
import torch
from gaussians import ONE

from sqcli.diffusion._known import known_denoiser
from sqcli.diffusion._noise import Noise
from sqcli.diffusion.samplers.maala import AdjustedLangevin
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.parameters import build
from sqcli.theories.free import Free
from sqcli.theories.gaussian_mixture import GaussianMixture

SCHEDULE = Geometric(level_min=0.1, level_max=10.0)
SQUARE = Lattice((4, 4))


def within(values, exact):
    error = float(values.std()) / len(values) ** 0.5
    return abs(float(values.mean()) - exact) < 4 * error


def test_a_wrong_network_is_corrected(seed):
    """The score of m² = 2 for the theory with m² = 0.8: wrong before the adjusted phase, right after it."""
    wrong = replace(known_denoiser(Free(mass2=2.0), SQUARE, SCHEDULE), theory=Free(mass2=0.8))
    sampler = AdjustedLangevin(n_steps=30, n_adjusted=400)
    drawn = sampler.draw(wrong, Noise(Stream(seed, 0), range(1500), (4, 4)))
    exact = {"M2": 1 / (0.8 * 16), "phi2": Free(mass2=0.8).exact(SQUARE)["field_squared", None]}
    assert not within(drawn.stats["magnetization_before"] ** 2, exact["M2"])
    assert within(drawn.fields.mean((1, 2)) ** 2, exact["M2"])
    assert within((drawn.fields**2).mean((1, 2)), exact["phi2"])
    assert 0.55 < float(drawn.stats["acceptance_rate"].mean()) < 0.85
    assert set(drawn.stats) == set(sampler.stats())
    assert float(drawn.stats["langevin_time"][0]) == pytest.approx(400 * sampler.size(wrong))


def test_two_gaussians_need_the_network_to_find_both(seed):
    theory = GaussianMixture(mu0=1.0, sigma0=0.25)
    denoiser = known_denoiser(theory, ONE, SCHEDULE, scale=2.0)
    sampler = AdjustedLangevin(n_steps=60, n_adjusted=60, adjusted_step=0.03)
    x = sampler.draw(denoiser, Noise(Stream(seed, 0), range(4000), (1,))).fields[:, 0]
    assert within(x, 0.0)
    assert within(x**2, 1.0625)
    assert within(x**4, -2 + 3 * 1.0625**2)


def test_only_a_long_adjusted_phase_is_called_asymptotic():
    denoiser = known_denoiser(Free(mass2=0.5), SQUARE, SCHEDULE)
    sampler = AdjustedLangevin()
    enough = int(10 * 2.0 / sampler.size(denoiser)) + 1
    assert replace(sampler, n_adjusted=enough).exactness(denoiser).status == "asymptotic"
    assert replace(sampler, n_adjusted=enough - 2).exactness(denoiser).status == "uncorrected"
    assert sampler.exactness().status == "uncorrected"
    assert replace(sampler, n_adjusted=0).exactness(denoiser).status == "uncorrected"


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
