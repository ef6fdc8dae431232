"""Adjusted dynamics of links: what it keeps, what it corrects, and what it says of itself."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from forced import ForcedLinks, Wilson
from gauge import links_of, theory_of
from gaussians import ONE
from models import known_denoiser
from scipy.special import ive
from statistical import mean

from sqcli.diffusion.links.lie import gauge_transformed, haar, haar_calls, rotate
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Energetic
from sqcli.diffusion.samplers._adjusted import ExactForce, Proposed, adjusted
from sqcli.diffusion.samplers._last_phase import CompiledPhase, TensorPhase
from sqcli.diffusion.samplers._sectors import sectors_of
from sqcli.diffusion.samplers.hmd import MolecularCorrector
from sqcli.diffusion.samplers.maala import AdjustedLangevin
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.errors import Stopped, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.parameters import build
from sqcli.runs.sampling.tiles import Proposals
from sqcli.theories.free import Free
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1
from sqcli.theories.un import UN

SQUARE = Lattice((4, 4))
THEORIES = [U1(2.0), SUN(2, 4.0), UN(2, 4.0), SUN(3, 6.0)]
WRONG = Wilson(damped=False, factor=3.0)


def process(theory, lattice=SQUARE, net=None, top=2.0):
    return ForcedLinks(net or Wilson(), theory, lattice, top)


def noise(of, draws, seed=1):
    return Noise(Stream(seed, 0), draws, of.theory.manifold.tangent(of.lattice))


def plaquette(of, links):
    return 1 - of.theory.action(links, of.lattice) / (of.theory.beta * of.lattice.volume)


def random_links(of, count, seed):
    numbers = noise(of, range(count), seed)
    return haar(of.manifold, [numbers.normal(100 + i) for i in range(haar_calls(of.manifold))])


@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_a_step_leads_back_with_the_inverse_ratio(theory, seed):
    """From U′ the noise z′ leads to U; then acceptance there and back differ by e^{−ΔS} and the Gaussians alone."""
    of, size = process(theory), 0.05
    for target in (ExactForce(theory, SQUARE), Proposed(process(theory, net=WRONG), torch.tensor(0.5))):
        old = target.at(random_links(of, 3, seed))
        parts = size * old.drift, (2 * size) ** 0.5 * noise(of, range(3), seed).normal(1)
        new = target.at(target.shifted(old.fields, *parts))
        back = (target.returned(old.fields, new.fields, *parts) - size * new.drift) / (2 * size) ** 0.5
        again = target.shifted(new.fields, size * new.drift, (2 * size) ** 0.5 * back)
        assert theory.manifold.distance(again.numpy(), old.fields.numpy()) < 1e-12


@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_a_step_is_gauge_covariant(theory, seed):
    """Links and noise of a transformed configuration are those of the untransformed one, transformed."""
    of, target = process(theory), ExactForce(theory, SQUARE)
    links, normal = random_links(of, 4, seed), noise(of, range(4), seed).normal(1)
    turns = random_links(of, 4, seed + 1)[:, 0]
    uniform = torch.full((4,), 0.3, dtype=torch.float64)
    turned = rotate(of.manifold, turns[:, None].expand_as(links), normal)
    plain, moved = adjusted(target, target.at(links), 0.05, normal, uniform)
    images = gauge_transformed(of.manifold, links, turns, SQUARE)
    transformed, also = adjusted(target, target.at(images), 0.05, turned, uniform)
    assert torch.equal(moved, also)
    expected = gauge_transformed(of.manifold, plain.fields, turns, SQUARE)
    assert theory.manifold.distance(transformed.fields.numpy(), expected.numpy()) < 1e-10


@pytest.mark.parametrize(
    "made",
    [
        AdjustedLangevin(n_steps=10, n_adjusted=150),
        AdjustedLangevin(n_steps=10, n_adjusted=30, adjusted_leapfrog=6),
        MolecularCorrector(n_steps=10, n_adjusted=150),
    ],
    ids=["maala", "hmc", "hmd"],
)
@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_wrong_networks_are_corrected(theory, made, judge):
    of = process(theory, net=WRONG)
    exact = theory.exact(SQUARE)

    def sample(seed, size):
        drawn = made.draw(of, noise(of, range(128 * size), seed))
        assert set(drawn.stats) == set(made.stats(theory))
        assert mean(drawn.stats["action_before"], 16 * theory.beta * (1 - exact["plaquette", None])).z() < -5
        found = {"plaquette": mean(plaquette(of, drawn.fields), exact["plaquette", None])}
        found["acceptance"] = mean(drawn.stats["acceptance_rate"], 0.72, tolerance=0.12)
        if hasattr(theory, "charge"):
            charge = theory.charge(drawn.fields.numpy(), SQUARE)
            found["charge"] = mean(charge**2 / 16, exact["topological_susceptibility", None])
        return found

    judge.check(sample)


def test_levels_adjusted_by_the_action_correct_a_wrong_score(judge):
    """No exact force at all: a long ladder of which the action judges each step."""
    of = process(SUN(2, 3.0), net=Wilson(damped=False, factor=0.5))
    sampler = AdjustedLangevin(
        n_steps=2, n_mh=20, level_mh=0.25, level_min=0.2, n_langevin=10, n_adjusted=0, step_size=1.0
    )

    def sample(seed, size):
        drawn = sampler.draw(of, noise(of, range(256 * size), seed))
        shares = torch.stack([drawn.stats[f"acceptance_level_{i}"] for i in range(20)])
        assert 0.3 < float(shares.mean()) < 0.99
        return {"plaquette": mean(plaquette(of, drawn.fields), of.theory.exact(SQUARE)["plaquette", None])}

    judge.check(sample)


def test_the_published_schedule_accepts_all_and_is_wrong(judge):
    """2502.05504 from random links at β = 1: with the exact force as the score its steps move a link by 0.47 rad."""
    of = process(U1(1.0), Lattice((16, 16)), Wilson(damped=False))
    low, high, levels, count = 0.01, 0.05, 20, 5
    travelled = count * float((of.annealing(levels, low, high) ** 4).sum()) / low**2
    sampler = AdjustedLangevin(
        n_steps=1, n_mh=levels, level_max=0.1, level_mh=high, level_min=low, n_langevin=count,
        step_size=0.47**2 / 2 / travelled, step_power=4.0, n_adjusted=0,
    )  # fmt: skip
    assert Proposals(of, sampler, 1).exactness().status == "uncorrected"

    def sample(seed, size):
        drawn = sampler.draw(of, noise(of, range(64 * size), seed))
        shares = [float(drawn.stats[f"acceptance_level_{i}"].mean()) for i in range(levels)]
        assert min(shares) > 0.97
        return {"W11": mean(plaquette(of, drawn.fields), 0.167, tolerance=0.01)}

    judge.check(sample)
    followed = replace(sampler, n_adjusted=20, adjusted_step=1e-4)
    found = Proposals(of, followed, 1).exactness()
    assert found.status == "uncorrected", found


def test_charges_thermalise_from_random_links_at_weak_coupling(judge):
    """Random links at β = 7 have χ_Q = 1/12; here three levels of the wrong network are all that comes before."""
    of = process(U1(7.0), Lattice((16, 16)), WRONG)
    sampler = AdjustedLangevin(n_steps=20, n_adjusted=900)
    exact = of.theory.exact(of.lattice)
    found = Proposals(of, sampler, 1).exactness()
    assert found.status == "asymptotic", found

    def sample(seed, size):
        drawn = sampler.draw(of, noise(of, range(192 * size), seed))
        charge = of.theory.charge(drawn.fields.numpy(), of.lattice)
        return {
            "charge": mean(charge**2 / 256, exact["topological_susceptibility", None]),
            "plaquette": mean(plaquette(of, drawn.fields), exact["plaquette", None]),
            "sectors": mean(drawn.stats["sector_acceptance"], 0.59, tolerance=0.05),
        }

    judge.check(sample)


def test_frozen_charges_are_not_called_exact():
    of = process(U1(7.0), Lattice((8, 8)))
    found = Proposals(of, AdjustedLangevin(n_adjusted=300, sector_moves=False), 1).exactness()
    assert found.status == "uncorrected"
    assert "the topological charge Q is frozen" in found.reason
    moving = Proposals(of, AdjustedLangevin(n_adjusted=300), 1).exactness()
    assert moving.status == "asymptotic", moving
    assert re.search(r"of action, \|P_0\|, \|P_1\|, W_2x2, W_4x4, Q, Q\^2 in 64", moving.reason), moving.reason


def test_three_dimensions_have_no_sectors_to_wait_for():
    of = process(U1(1.0), Lattice((3, 3, 3)))
    sampler = AdjustedLangevin(n_steps=20, n_adjusted=300)
    found = Proposals(of, sampler, 1).exactness()
    assert found.status == "asymptotic", found
    drawn = sampler.draw(of, noise(of, range(2)))
    assert set(drawn.stats) == set(sampler.stats(of.theory))


def work(of, drawn):
    return -of.theory.action(drawn.fields, of.lattice) - drawn.log_density


@pytest.mark.parametrize("net", [Wilson(), Wilson(factor=1.3)], ids=["near", "wrong"])
def test_weights_by_the_work_average_to_the_partition_function(net, judge):
    of = process(U1(1.0), net=net)
    sampler = AdjustedLangevin(n_steps=30, n_langevin=3, n_adjusted=5, weights="jarzynski")
    z = sum(ive(abs(k), 1.0) ** 16 for k in range(-30, 31))
    assert isinstance(of, Energetic)
    assert Proposals(of, sampler, 1).exactness().status == "weighted"

    def sample(seed, size):
        there = sampler.draw(of, noise(of, range(1000 * size), seed))
        assert set(there.stats) == set(sampler.stats(of.theory))
        weight = torch.exp(work(of, there)) / z
        normals = np.random.default_rng(seed).normal(size=(1000 * size, 32))
        exact = torch.from_numpy(of.theory.independent(normals, SQUARE))
        log_q = sampler.log_density(of, exact, noise(of, range(1000 * size), seed + 1))
        back = torch.exp(of.theory.action(exact, SQUARE) + log_q) * z
        reweighted = weight * (plaquette(of, there.fields) - of.theory.exact(SQUARE)["plaquette", None])
        return {"Z": mean(weight, 1.0), "1/Z": mean(back, 1.0), "plaquette": mean(reweighted, 0.0)}

    judge.check(sample)


@pytest.mark.parametrize("sampler", [AdjustedLangevin(n_steps=4, n_mh=2, n_adjusted=5), MolecularCorrector(n_steps=4)])
@pytest.mark.parametrize("theory", [U1(2.0), UN(2, 4.0)], ids=str)
def test_draws_do_not_depend_on_their_batch(theory, sampler, seed):
    of, sampler = process(theory), replace(sampler, n_adjusted=5)
    whole = sampler.draw(of, noise(of, range(4), seed))
    part = sampler.draw(of, noise(of, [2], seed))
    assert theory.manifold.distance(part.fields.numpy(), whole.fields[[2]].numpy()) < 1e-12
    other = sampler.draw(of, noise(of, range(4), seed + 1))
    assert not torch.equal(other.fields, whole.fields)


def test_the_corrector_by_molecular_dynamics_follows_a_known_score(judge):
    """A zero-dimensional Gaussian, unadjusted: its variance is that of the theory, but for finite steps."""
    denoiser = known_denoiser(Free(mass2=1.0), ONE, Geometric(level_min=0.1, level_max=10.0))
    sampler = MolecularCorrector(n_steps=60, n_adjusted=0)

    def sample(seed, size):
        x = sampler.draw(denoiser, Noise(Stream(seed, 0), range(4000 * size), (1,))).fields[:, 0]
        return {"variance": mean(x**2, 1.0, tolerance=0.05)}

    judge.check(sample)


def test_the_corrector_needs_its_adjusted_steps_where_the_network_is_wrong(judge):
    schedule = Geometric(level_min=0.1, level_max=10.0)
    wrong = replace(known_denoiser(Free(mass2=2.0), SQUARE, schedule), theory=Free(mass2=0.8))
    sampler = MolecularCorrector(n_steps=20, n_adjusted=400)
    assert Proposals(wrong, sampler, 3).exactness().status == "asymptotic"
    exact = Free(mass2=0.8).exact(SQUARE)["field_squared", None]

    def sample(seed, size):
        drawn = sampler.draw(wrong, Noise(Stream(seed, 0), range(800 * size), (4, 4)))
        assert mean(drawn.stats["magnetization_before"] ** 2, 1 / (0.8 * 16)).z() < -8
        return {"phi2": mean((drawn.fields**2).mean((1, 2)), exact)}

    judge.check(sample)


def test_what_cannot_be_is_refused():
    denoiser = known_denoiser(Free(mass2=1.0), ONE, Geometric(level_min=0.1, level_max=10.0))
    with pytest.raises(UsageError, match="jarzynski needs a network with an energy"):
        AdjustedLangevin(weights="jarzynski").check(denoiser)
    with pytest.raises(UsageError, match="n_mh must be 0"):
        build(AdjustedLangevin, {"weights": "jarzynski", "n_mh": 1}, "sampler maala")
    with pytest.raises(UsageError, match="at most 65535 adjusted steps with sector_moves"):
        AdjustedLangevin(n_adjusted=70000).check(process(U1(1.0)))
    with pytest.raises(UsageError, match="hmd"):
        build(MolecularCorrector, {"length": 0}, "sampler hmd")
    AdjustedLangevin(n_adjusted=70000).check(process(U1(1.0), Lattice((2, 2, 2))))


def test_a_stop_ends_a_draw():
    of = process(U1(1.0))
    of.stop.set()
    with pytest.raises(Stopped):
        AdjustedLangevin().draw(of, noise(of, range(2)))
    assert math.isfinite(AdjustedLangevin().size(of))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("case", ["u1", "u1-3d", "su2", "u2-3d", "su3", "su2-4d", "su3-4d"])
def test_compiled_steps_are_those_of_tensors(case, count):
    """Fields, actions and decisions of two steps, some of which are refused, and of a move between sectors."""
    theory, lattice = theory_of(case)
    links, random = links_of(case, rows=6), torch.Generator().manual_seed(3)
    exact = ExactForce(theory, lattice)
    phases = TensorPhase(exact, exact.at(links), count), CompiledPhase(theory, lattice, links, count)
    sectors, seen = sectors_of(theory, lattice), []
    noise = Noise(Stream(7, 0), range(6), theory.manifold.tangent(lattice))
    for number, size in enumerate((0.1 / theory.beta, 1.0 / theory.beta)):
        normal = torch.randn(6, *theory.manifold.tangent(lattice), dtype=torch.float64, generator=random)
        uniform = torch.rand(6, dtype=torch.float64, generator=random)
        one, other = (phase.step(size, normal, uniform) for phase in phases)
        seen += one.tolist()
        assert torch.equal(one, other)
        if sectors:
            one, other = (phase.change(sectors, noise, number) for phase in phases)
            assert torch.equal(one, other)
        torch.testing.assert_close(phases[1].chains.fields, phases[0].chains.fields, rtol=0, atol=1e-12)
        torch.testing.assert_close(phases[1].chains.action, phases[0].chains.action, rtol=1e-11, atol=1e-11)
    assert {0.0, 1.0} == set(seen)
