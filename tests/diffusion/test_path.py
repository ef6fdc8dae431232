"""Path weights are exact for any network; the objectives that use the action have the right minima."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from models import known_denoiser
from statistical import estimate, mean

from sqcli.diffusion.models.fitting import fit
from sqcli.diffusion.nets._base import Problem
from sqcli.diffusion.nets.spectral import Spectral
from sqcli.diffusion.objectives.path import PathWeight
from sqcli.diffusion.objectives.target import TargetScore, target
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers.path import Path
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2
from sqcli.lattice.philox import Stream
from sqcli.theories.double_well import DoubleWell
from sqcli.theories.free import Free
from sqcli.theories.gaussian_mixture import GaussianMixture
from sqcli.theories.phi4 import Phi4

SCHEDULE = Geometric()


def noise(lattice, n, seed=1, chain=0):
    return Noise(Stream(seed, chain), range(n), lattice.extents)


def log_weight(denoiser, sampler, n, seed=1):
    drawn = sampler.draw(denoiser, noise(denoiser.lattice, n, seed))
    return drawn.fields, -denoiser.theory.action(drawn.fields, denoiser.lattice) - drawn.log_density


def log_mean(log_w, expected):
    """log⟨w⟩."""
    found = mean(torch.exp(log_w - expected))
    return estimate(np.log(found.value), found.error / found.value, 0.0, dof=found.dof)


@pytest.mark.parametrize("steps", [1, 2, 7, 30])
@pytest.mark.parametrize("extents", [(8,), (6, 4), (4, 3, 2)])
@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_weight_of_the_free_field_is_z_at_any_number_of_steps(steps, extents, scale):
    lattice, theory = Lattice(extents), Free(0.7)
    d = known_denoiser(theory, lattice, SCHEDULE, scale)
    sampler = Path(n_steps=steps)
    fields, log_w = log_weight(d, sampler, 20)
    exact = theory.log_partition(lattice)
    assert (log_w - exact).abs().max() < 1e-9
    again = sampler.log_density(d, fields, noise(lattice, 20, seed=2))
    assert (-theory.action(fields, lattice) - again - exact).abs().max() < 1e-9


def test_draws_of_the_free_field_have_its_propagator(judge):
    lattice, theory = Lattice((6, 4)), Free(0.7)

    def sample(seed, size):
        random = noise(lattice, 4000 * size, seed)
        fields = Path(n_steps=3).draw(known_denoiser(theory, lattice, SCHEDULE), random).fields
        return mean(torch.fft.fft2(fields, norm="ortho").abs() ** 2, theory.propagator(lattice))

    judge.check(sample)


@pytest.mark.parametrize("theory", [GaussianMixture(1.0, 0.25), DoubleWell(-2.0, 1.0)])
@pytest.mark.parametrize("steps", [4, 12])
def test_log_z_and_moments_in_one_variable(theory, steps, judge):
    lattice = Lattice((1,))
    d = known_denoiser(theory, lattice, SCHEDULE)
    exact = theory.exact(lattice)["field_squared", None]

    def sample(seed, size):
        fields, log_w = log_weight(d, Path(n_steps=steps, level_min=0.1), 4000 * size, seed)
        w = torch.exp(log_w - log_w.max())
        return {
            "log z": log_mean(log_w, theory.log_partition(lattice)),
            "square": mean(w * (fields[:, 0] ** 2 - exact), 0.0),
        }

    judge.check(sample)


def spectral(lattice, theory, fields, seed=1, spread=0.0):
    torch.manual_seed(seed)
    net = Spectral(channels=8, blocks=1, embedding=16).build(Problem(theory, lattice, SCHEDULE))
    for parameter in net.parameters():
        parameter.data += spread * torch.randn_like(parameter)
    return Denoiser(net, fit(fields, lattice, True), SCHEDULE, theory, lattice, torch.empty(0).double())


def rough_phi4(n, lattice):
    """Not equilibrium: any statistics must do."""
    return 0.9 * torch.randn(n, *lattice.extents, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


LADDERS = [Path(n_steps=1), Path(n_steps=3), Path(n_steps=6, level_min=0.5, level_max=2)]


@pytest.mark.parametrize("sampler", LADDERS, ids=["one", "three", "six"])
def test_any_network_and_ladder_gives_the_same_z(sampler, judge):
    lattice, theory = Lattice((2, 2)), Phi4(0.1, 0.2)
    grid = np.linspace(-4, 4, 41)
    sites = np.stack(np.meshgrid(*(grid,) * 4, indexing="ij"), -1).reshape(-1, 2, 2)
    exact = math.log(np.exp(-theory.action(sites, lattice)).sum() * (grid[1] - grid[0]) ** 4)  # spectrally accurate

    def sample(seed, size):
        d = spectral(lattice, theory, rough_phi4(500, lattice), seed, spread=0.05)
        found = log_mean(log_weight(d, sampler, 10_000 * size, seed)[1], exact)
        assert found.error < 0.05
        return found

    judge.check(sample)


def test_forward_paths_from_exact_draws_give_inverse_weights(judge):
    """⟨1/w⟩ = 1/Z over data and forward paths: the law that interleaved updates rely on."""
    theory, lattice = DoubleWell(-1.0, 1.0), Lattice((1,))
    d = known_denoiser(theory, lattice, SCHEDULE)

    def sample(seed, size):
        normals = np.random.default_rng(seed).standard_normal((4000 * size, 1))
        fields = torch.from_numpy(theory.independent(normals, lattice))
        log_q = Path(n_steps=5, level_min=0.1).log_density(d, fields, noise(lattice, 4000 * size, seed))
        return log_mean(theory.action(fields, lattice) + log_q, -theory.log_partition(lattice))

    judge.check(sample)


def test_target_has_no_noise_in_a_gaussian_theory():
    lattice, theory = Lattice((6, 4)), Free(0.7)
    d = known_denoiser(theory, lattice, SCHEDULE)
    x = torch.from_numpy(theory.independent(np.random.default_rng(1).standard_normal((30, 6, 4)), lattice))
    fields, axes = x - x.mean((1, 2), keepdim=True), (1, 2)
    slow = spectral(lattice, theory, x)
    table = torch.unique(torch.from_numpy(phat2(lattice.extents))) + 0.7
    stiffness = torch.stack([table, torch.zeros_like(table)])
    statistics = replace(slow.statistics, scale=1.0, phat2=table - 0.7, stiffness=stiffness)
    slow = replace(slow, statistics=statistics)
    level = torch.linspace(0.05, 3, 30, dtype=torch.float64)
    y = fields + level[:, None, None] * slow.project(noise(lattice, 30).normal(0))
    found = target(slow, x, y, level)
    expected = d.denoise(y, level, None)
    assert (found - expected).abs().amax(axes).max() < 1e-10


@pytest.mark.parametrize("s", [0.05, 0.3, 1.0])
def test_target_is_unbiased_and_quieter_than_the_data(s, judge):
    lattice, theory = Lattice((1,)), DoubleWell(-2.0, 1.0)
    d = known_denoiser(theory, lattice, SCHEDULE)

    def sample(seed, size):
        n = 8000 * size
        x = torch.from_numpy(theory.independent(np.random.default_rng(seed).standard_normal((n, 1)), lattice))
        level = torch.full((n,), s, dtype=torch.float64)
        y = x + s * noise(lattice, n, seed).normal(0)
        error = target(d, x, y, level) - d.denoise(y, level, None)
        if s < 0.1:
            assert error.std() < 0.5 * (x - d.denoise(y, level, None)).std()
        tests = {"y": y, "y3": y**3, "sin": torch.sin(3 * y)}
        return {name: mean((error * test)[:, 0], 0.0) for name, test in tests.items()}

    judge.check(sample)


def test_path_loss_vanishes_for_the_exact_process():
    lattice, theory = Lattice((4, 4)), Free(0.7)
    d = known_denoiser(theory, lattice, SCHEDULE)
    x = torch.from_numpy(theory.independent(np.random.default_rng(1).standard_normal((20, 4, 4)), lattice))
    assert PathWeight(n_steps=4).loss(d, x, torch.Generator().manual_seed(1)).max() < 1e-18


@pytest.mark.parametrize("objective", [PathWeight(n_steps=4), TargetScore()])
def test_training_narrows_the_weights(objective, judge):
    lattice, theory = Lattice((4, 4)), Phi4(0.15, 0.3)

    def claim(seed, size):
        random = torch.Generator().manual_seed(seed)
        d = spectral(lattice, theory, rough_phi4(2000, lattice), seed)
        if isinstance(objective, PathWeight):
            x = d.from_field(rough_phi4(2000, lattice))
        else:  # needs equilibrium: accept by importance resampling of the untrained model's own paths
            fields, log_w = log_weight(d, Path(n_steps=4), 20_000, seed)
            chosen = torch.multinomial(torch.softmax(log_w, 0), 4000, True, generator=random)
            d = replace(d, statistics=fit(fields[chosen], lattice, True))
            x = d.from_field(fields[chosen])
        before = log_weight(d, Path(n_steps=4), 2000, seed + 1)[1].std()
        d = trained(d, x, objective, random)
        after = log_weight(d, Path(n_steps=4), 2000, seed + 1)[1].std()
        assert after < 0.8 * before

    judge.twice(claim)


def trained(d, x, objective, random):
    """150 steps of Adam."""
    extra = objective.extra(d) if isinstance(objective, PathWeight) else None
    parameters = [*d.net.parameters(), *(extra.parameters() if extra is not None else [])]
    optimizer = torch.optim.Adam(parameters, 5e-3)
    for _ in range(150):
        rows = torch.randint(len(x), (64,), generator=random)
        loss = objective.loss(d, x[rows], random, extra).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return d if extra is None else replace(d, statistics=objective.finish(extra, d.statistics))
