"""Plaquettes of two-dimensional U(1), charge first: exact for any network, at any coupling, on any torus."""

import math

import numpy as np
import pytest
import torch
from scipy.special import ive
from statistical import mean, ratio
from torch import nn

from sqcli.diffusion.nets import PlaquetteMoments, PlaquetteNet, Problem
from sqcli.diffusion.nets.plaquette import OnePlaquette
from sqcli.diffusion.plaquettes.fitting import PlaquetteStatistics
from sqcli.diffusion.plaquettes.lift import TURN, Lift
from sqcli.diffusion.plaquettes.mixture import with_cumulants
from sqcli.diffusion.plaquettes.process import PlaquetteProcess
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers.maala import AdjustedLangevin
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.runs.sampling.tiles import Proposals
from sqcli.theories.u1 import U1

COUPLINGS = [0.3, 1.0, 2.5, 7.0, 40.0]


class Wrong(PlaquetteNet):
    """Moments that are wrong at every level, but of the right size."""

    def __init__(self):
        super().__init__()
        self.size = nn.Parameter(torch.tensor(0.8, dtype=torch.float64))

    def forward(self, y, level, context):
        ratio = level[:, None] ** 2 / context.width2
        variance = 1.3 * context.width2 * ratio / (1 + ratio) * torch.ones_like(y)
        return PlaquetteMoments(self.size * y / (1 + ratio), variance)


def process(beta, extents, net=None, trained=1.0):
    theory, lattice = U1(beta), Lattice(extents)
    net = net or OnePlaquette().build(Problem(theory, lattice, Geometric()))
    return PlaquetteProcess(net.eval(), PlaquetteStatistics.trained_at(trained), theory, lattice)


def noise(count, extents, seed=1):
    return Noise(Stream(seed, 0), range(count), (2, *extents))


def partition(beta, volume):
    n = np.arange(-60, 61)
    return float((ive(n, beta) ** volume).sum())  # of e^{−S}, S = β Σ (1 − cos θ), by Haar's measure


@pytest.mark.parametrize("beta", COUPLINGS)
def test_shares_of_images_add_up_to_one(beta):
    theta = torch.linspace(-math.pi, math.pi, 101, dtype=torch.float64)
    images = theta[:, None] + TURN * torch.arange(-9, 10, dtype=torch.float64)
    total = Lift(beta).log_share(images).exp().sum(1)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-12)


@pytest.mark.parametrize("beta", COUPLINGS)
def test_the_force_is_the_derivative(beta):
    lift, y, h = Lift(beta), torch.linspace(-8, 8, 401, dtype=torch.float64), 1e-5
    force, slope = lift.force(y)
    by_difference = (lift.log_density(y + h) - lift.log_density(y - h)) / (2 * h)
    torch.testing.assert_close(force, by_difference, rtol=1e-7, atol=1e-6)
    by_difference = (lift.force(y + h)[0] - lift.force(y - h)[0]) / (2 * h)
    torch.testing.assert_close(slope, by_difference, rtol=1e-6, atol=1e-5)


def test_mixtures_have_their_cumulants():
    random = torch.Generator().manual_seed(1)
    skewness = torch.rand(200, generator=random, dtype=torch.float64) * 0.6 - 0.3
    excess = torch.rand(200, generator=random, dtype=torch.float64) * 0.6 - 0.3
    found = with_cumulants(0 * skewness + 0.7, 0 * skewness + 2.0, skewness * 2**1.5, excess * 4)
    x = torch.linspace(-14, 16, 6001, dtype=torch.float64)[:, None]
    weight = found.log_density(x).exp() * (x[1] - x[0])
    torch.testing.assert_close(weight.sum(0), torch.ones(200, dtype=torch.float64), rtol=0, atol=1e-8)
    d = x - 0.7
    second, third, fourth = ((weight * d**k).sum(0) for k in (2, 3, 4))
    torch.testing.assert_close(second, torch.full_like(second, 2.0), rtol=0, atol=1e-7)
    torch.testing.assert_close(third / 2**1.5, skewness, rtol=0, atol=1e-6)
    torch.testing.assert_close(fourth / 4 - 3, excess, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("beta", "extents"), [(0.7, (2, 3)), (2.0, (4, 3)), (6.0, (5, 4))])
@pytest.mark.parametrize("net", [None, Wrong], ids=["untrained", "wrong"])
def test_weights_are_exact_for_any_network(judge, beta, extents, net):
    made = process(beta, extents, net and net())
    theory, lattice, volume = made.theory, made.lattice, math.prod(extents)
    exact = theory.exact(lattice)
    levels = made.ladder(6, 0.3, 0.0)

    def sampled(seed, size):
        with torch.no_grad():
            links, log_q = made.descend(noise(6000 * size, extents, seed), levels)
        weight = torch.exp(-theory.action(links, lattice) - log_q) / partition(beta, volume)
        cosine = lattice.site_sum(torch.cos(theory.plaquettes(links, lattice)))[:, 0] / volume
        charge = torch.from_numpy(theory.charge(links.numpy(), lattice))
        return {
            "Z": mean(weight, 1.0),
            "plaquette": ratio(weight * cosine, weight, exact["plaquette", None]),
            "chi": ratio(weight * charge**2 / volume, weight, exact["topological_susceptibility", None]),
        }

    judge.check(sampled)


@pytest.mark.parametrize("net", [None, Wrong], ids=["untrained", "wrong"])
def test_forward_paths_of_exact_draws_have_the_inverse_weight(judge, net):
    beta, extents = 2.0, (4, 3)
    made = process(beta, extents, net and net())
    levels = made.ladder(6, 0.3, 0.0)

    def sampled(seed, size):
        links = exact_draws(made, 6000 * size, seed)
        with torch.no_grad():
            log_q = made.log_density(links, noise(len(links), extents, seed), levels)
        inverse = torch.exp(log_q + made.theory.action(links, made.lattice)) * partition(beta, 12)
        return {"1/Z": mean(inverse, 1.0)}

    judge.check(sampled)


def exact_draws(made, count, seed):
    normals = np.random.default_rng(seed).standard_normal((count, 2 * made.lattice.volume))
    return torch.from_numpy(made.theory.independent(normals, made.lattice))


@pytest.mark.parametrize("rungs", [1, 4])
def test_partial_moves_leave_the_target_invariant(judge, rungs):
    made = process(1.3, (4, 3), Wrong())
    theory, lattice = made.theory, made.lattice
    levels, exact = made.ladder(6, 0.3, 0.0), made.theory.exact(made.lattice)

    def sampled(seed, size):
        links = exact_draws(made, 8000 * size, seed)
        numbers = noise(len(links), (4, 3), seed)
        with torch.no_grad():
            new, change = made.partial(links, numbers, levels, rungs)
        ratio_of = theory.action(links, lattice) - theory.action(new, lattice) - change
        moved = torch.log(numbers.uniform(900)) < ratio_of
        after = torch.where(moved[:, None, None, None], new, links)
        assert 0.01 < moved.double().mean() < 1
        charge = theory.charge(after.numpy(), lattice)
        cosine = lattice.site_sum(torch.cos(theory.plaquettes(after, lattice)))[:, 0] / 12
        return {
            "plaquette": mean(cosine, exact["plaquette", None]),
            "chi": mean(torch.from_numpy(charge**2 / 12), exact["topological_susceptibility", None]),
        }

    judge.check(sampled)


def test_steps_that_the_action_judges_correct_a_wrong_network(judge):
    """Without any exact force: dynamics on the plane of a charge that is drawn first."""
    made, sampler = process(1.3, (4, 3), Wrong()), AdjustedLangevin(n_steps=2, n_mh=10, n_langevin=10, n_adjusted=0)
    theory, lattice, exact = made.theory, made.lattice, made.theory.exact(made.lattice)
    assert Proposals(made, sampler, 1).exactness().status == "uncorrected"

    def sampled(seed, size):
        drawn = sampler.draw(made, noise(2000 * size, (4, 3), seed))
        cosine = lattice.site_sum(torch.cos(theory.plaquettes(drawn.fields, lattice)))[:, 0] / 12
        charge = theory.charge(drawn.fields.numpy(), lattice)
        return {
            "plaquette": mean(cosine, exact["plaquette", None]),
            "chi": mean(charge**2 / 12, exact["topological_susceptibility", None]),
        }

    judge.check(sampled)


def test_plaquettes_have_no_energy_for_weights_by_work():
    with pytest.raises(UsageError, match="energy") as told:
        AdjustedLangevin(weights="jarzynski").check(process(1.3, (4, 3)))
    assert "\n" not in str(told.value)


def test_draws_do_not_depend_on_the_batch():
    made = process(3.0, (6, 4))
    levels = made.ladder(5, 0.3, 0.0)
    with torch.no_grad():
        links, log_q = made.descend(noise(8, (6, 4)), levels)
        some, log_some = made.descend(Noise(Stream(1, 0), [5, 2], (2, 6, 4)), levels)
    assert torch.equal(links[[5, 2]], some)
    assert torch.equal(log_q[[5, 2]], log_some)


def test_gauge_and_polyakov_phases_are_uniform(judge):
    made = process(4.0, (3, 4))

    def sampled(seed, size):
        with torch.no_grad():
            links, _ = made.descend(noise(4000 * size, (3, 4), seed), made.ladder(4, 0.3, 0.0))
        loops = {"x": links[:, 0].sum(1)[:, 0], "y": links[:, 1].sum(2)[:, 0], "link": links[:, 1, 1, 2]}
        return {f"{name} {k}": mean(torch.cos(k * loop), 0.0) for name, loop in loops.items() for k in (1, 2)}

    judge.check(sampled)


def test_plaquettes_come_back_from_links():
    made = process(2.0, (3, 5))
    y = (
        made.kick(noise(7, (3, 5)).normal(3))
        + TURN * torch.tensor([0, 1, -2, 0, 3, 0, 1], dtype=torch.float64)[:, None] / 15
    )
    links = made.links(y, noise(7, (3, 5)))
    found = made.theory.plaquettes(links, made.lattice).flatten(1)
    torch.testing.assert_close(torch.cos(found - y), torch.ones_like(y), rtol=0, atol=1e-12)


def test_an_untrained_network_is_nearly_exact_at_strong_noise_and_is_odd():
    made = process(1.0, (4, 4))
    y = torch.linspace(-5, 5, 41, dtype=torch.float64)[None]
    level = torch.tensor(1.2, dtype=torch.float64)
    with torch.no_grad():
        here, there = made.moments(y, level), made.moments(-y, level)
    grid = torch.linspace(-25, 25, 20001, dtype=torch.float64)
    weight = torch.softmax(made.lift.log_density(grid) - (y.T - grid) ** 2 / (2 * level**2), 1)
    first = (weight * grid).sum(1)
    second = (weight * grid**2).sum(1) - first**2
    torch.testing.assert_close(here.mean[0], first, rtol=0, atol=2e-3)
    torch.testing.assert_close(here.variance[0], second, rtol=0, atol=5e-3)
    torch.testing.assert_close(here.mean, -there.mean, rtol=0, atol=1e-6)
    torch.testing.assert_close(here.variance, there.variance, rtol=0, atol=1e-6)


@pytest.mark.parametrize("beta", [0.0, -1.0, 1e9])
def test_couplings_out_of_bounds_are_told(beta):
    with pytest.raises(UsageError, match="beta"):
        process(beta, (4, 4))


def test_losses_fall_where_the_network_learns():
    made = process(1.0, (4, 4), OnePlaquette(nodes=2).build(Problem(U1(1.0), Lattice((4, 4)), Geometric())))
    made.net.train()
    links, random = exact_draws(made, 256, 3), torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(made.net.parameters(), lr=0.01)
    for loss in (made.target_loss, lambda x, g: made.denoising_loss(x, g, False)):
        values = []
        for _ in range(60):
            value = loss(links, random).mean()
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            values.append(float(value.detach()))
        assert np.isfinite(values).all()
    fresh = process(1.0, (4, 4), OnePlaquette(nodes=2).build(Problem(U1(1.0), Lattice((4, 4)), Geometric())))
    made.net.eval()
    test = [torch.Generator().manual_seed(9) for _ in range(2)]
    assert made.target_loss(links, test[0]).mean() < fresh.target_loss(links, test[1]).mean()
