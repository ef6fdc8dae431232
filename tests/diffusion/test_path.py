"""Path weights are exact for any network; the objectives that use the action have the right minima."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sqcli.diffusion._denoiser import Denoiser
from sqcli.diffusion._fitting import fit
from sqcli.diffusion._known import known_denoiser
from sqcli.diffusion._noise import Noise
from sqcli.diffusion.nets._base import Setting
from sqcli.diffusion.nets.spectral import Spectral
from sqcli.diffusion.objectives.path import PathWeight
from sqcli.diffusion.objectives.target import TargetScore, target
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


def log_mean(log_w):
    """log⟨w⟩ and its error."""
    w = torch.exp(log_w - log_w.max())
    return float(w.mean().log() + log_w.max()), float(w.std() / w.mean()) / math.sqrt(len(w))


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


def test_draws_of_the_free_field_have_its_propagator():
    lattice, theory, n = Lattice((6, 4)), Free(0.7), 4000
    fields = Path(n_steps=3).draw(known_denoiser(theory, lattice, SCHEDULE), noise(lattice, n)).fields
    power = (torch.fft.fft2(fields, norm="ortho").abs() ** 2).mean(0).numpy()
    freedoms = np.full(lattice.extents, n)  # a complex mode has twice as many
    assert np.max(np.abs(power / theory.propagator(lattice) - 1) / np.sqrt(2 / freedoms)) < 4.5


@pytest.mark.parametrize("theory", [GaussianMixture(1.0, 0.25), DoubleWell(-2.0, 1.0)])
@pytest.mark.parametrize("steps", [4, 12])
def test_log_z_and_moments_in_one_variable(theory, steps):
    lattice, n = Lattice((1,)), 4000
    d = known_denoiser(theory, lattice, SCHEDULE)
    fields, log_w = log_weight(d, Path(n_steps=steps, level_min=0.1), n)
    value, error = log_mean(log_w)
    assert abs(value - theory.log_partition(lattice)) < 4 * error
    w = torch.exp(log_w - log_w.max())
    square = fields[:, 0] ** 2
    exact = theory.exact(lattice)["field_squared", None]
    pull = (w * (square - exact)).mean() / ((w * (square - exact)).std() / math.sqrt(n))
    assert abs(pull) < 4


def spectral(lattice, theory, fields, seed=1, spread=0.0):
    torch.manual_seed(seed)
    net = Spectral(channels=8, blocks=1, embedding=16).build(Setting(theory, lattice, SCHEDULE))
    for parameter in net.parameters():
        parameter.data += spread * torch.randn_like(parameter)
    return Denoiser(net, fit(fields, lattice, True), SCHEDULE, theory, lattice, torch.empty(0).double())


def rough_phi4(n, lattice):
    """Not equilibrium: any facts must do."""
    return 0.9 * torch.randn(n, *lattice.extents, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def test_any_network_and_ladder_gives_the_same_z():
    lattice, theory = Lattice((2, 2)), Phi4(0.1, 0.2)
    found = []
    for seed, sampler in enumerate((Path(n_steps=1), Path(n_steps=3), Path(n_steps=6, level_min=0.5, level_max=2))):
        d = spectral(lattice, theory, rough_phi4(500, lattice), seed, spread=0.05)
        found.append(log_mean(log_weight(d, sampler, 10_000, seed)[1]))
    grid = np.linspace(-4, 4, 41)
    sites = np.stack(np.meshgrid(*(grid,) * 4, indexing="ij"), -1).reshape(-1, 2, 2)
    exact = math.log(np.exp(-theory.action(sites, lattice)).sum() * (grid[1] - grid[0]) ** 4)  # spectrally accurate
    for value, error in found:
        assert error < 0.05
        assert abs(value - exact) < 4 * error


def test_forward_paths_from_exact_draws_give_inverse_weights():
    """⟨1/w⟩ = 1/Z over data and forward paths: the law that interleaved updates rely on."""
    theory, lattice, n = DoubleWell(-1.0, 1.0), Lattice((1,)), 4000
    d = known_denoiser(theory, lattice, SCHEDULE)
    normals = np.random.default_rng(3).standard_normal((n, 1))
    fields = torch.from_numpy(theory.independent(normals, lattice))
    log_q = Path(n_steps=5, level_min=0.1).log_density(d, fields, noise(lattice, n, 4))
    value, error = log_mean(theory.action(fields, lattice) + log_q)
    assert abs(value + theory.log_partition(lattice)) < 4 * error


def test_target_has_no_noise_in_a_gaussian_theory():
    lattice, theory = Lattice((6, 4)), Free(0.7)
    d = known_denoiser(theory, lattice, SCHEDULE)
    x = torch.from_numpy(theory.independent(np.random.default_rng(1).standard_normal((30, 6, 4)), lattice))
    fields, axes = x - x.mean((1, 2), keepdim=True), (1, 2)
    slow = spectral(lattice, theory, x)
    table = torch.unique(torch.from_numpy(phat2(lattice.extents))) + 0.7
    stiffness = torch.stack([table, torch.zeros_like(table)])
    facts = replace(slow.facts, scale=1.0, phat2=table - 0.7, stiffness=stiffness)
    slow = replace(slow, facts=facts)
    level = torch.linspace(0.05, 3, 30, dtype=torch.float64)
    y = fields + level[:, None, None] * slow.project(noise(lattice, 30).normal(0))
    found = target(slow, x, y, level)
    expected = d.denoise(y, level, None)
    assert (found - expected).abs().amax(axes).max() < 1e-10


def test_target_is_unbiased_and_quieter_than_the_data():
    theory, lattice, n = DoubleWell(-2.0, 1.0), Lattice((1,)), 8000
    d = known_denoiser(theory, lattice, SCHEDULE)
    x = torch.from_numpy(theory.independent(np.random.default_rng(2).standard_normal((n, 1)), lattice))
    for s in (0.05, 0.3, 1.0):
        level = torch.full((n,), s, dtype=torch.float64)
        y = x + s * noise(lattice, n).normal(0)
        error = target(d, x, y, level) - d.denoise(y, level, None)
        for test in (y, y**3, torch.sin(3 * y)):
            assert abs(float((error * test).mean() / (error * test).std())) * math.sqrt(n) < 4
        if s < 0.1:
            assert error.std() < 0.5 * (x - d.denoise(y, level, None)).std()


def test_path_loss_vanishes_for_the_exact_process():
    lattice, theory = Lattice((4, 4)), Free(0.7)
    d = known_denoiser(theory, lattice, SCHEDULE)
    x = torch.from_numpy(theory.independent(np.random.default_rng(1).standard_normal((20, 4, 4)), lattice))
    assert PathWeight(n_steps=4).loss(d, x, torch.Generator().manual_seed(1)).max() < 1e-18


@pytest.mark.parametrize("objective", [PathWeight(n_steps=4), TargetScore()])
def test_training_narrows_the_weights(objective):
    lattice, theory = Lattice((4, 4)), Phi4(0.15, 0.3)
    d = spectral(lattice, theory, rough_phi4(2000, lattice))
    x = d.from_field(rough_phi4(2000, lattice)) if isinstance(objective, PathWeight) else None
    if x is None:  # needs equilibrium: accept by importance resampling of the untrained model's own paths
        fields, log_w = log_weight(d, Path(n_steps=4), 20_000)
        chosen = torch.multinomial(torch.softmax(log_w, 0), 4000, True, generator=torch.Generator().manual_seed(2))
        d = replace(d, facts=fit(fields[chosen], lattice, True))
        x = d.from_field(fields[chosen])
    before = log_weight(d, Path(n_steps=4), 2000, seed=7)[1].std()
    extra = objective.extra(d) if isinstance(objective, PathWeight) else None
    parameters = [*d.net.parameters(), *(extra.parameters() if extra is not None else [])]
    optimizer, random = torch.optim.Adam(parameters, 5e-3), torch.Generator().manual_seed(4)
    for _ in range(150):
        rows = torch.randint(len(x), (64,), generator=random)
        loss = objective.loss(d, x[rows], random, extra).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if extra is not None:
        d = replace(d, facts=objective.finish(extra, d.facts))
    after = log_weight(d, Path(n_steps=4), 2000, seed=7)[1].std()
    assert after < 0.8 * before
