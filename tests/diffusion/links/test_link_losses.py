"""Losses of links: their targets have the score as conditional expectation, and the exact score as minimum."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from gauge import built, theory_of
from one_link import LATTICE, OneLink
from statistical import mean

from sqcli.diffusion.links import losses
from sqcli.diffusion.links.family import FAMILY, calibrate
from sqcli.diffusion.links.heat_kernel import kernel_score
from sqcli.diffusion.links.lie import per_link, reduced_trace, rotate
from sqcli.diffusion.links.process import LinkProcess
from sqcli.diffusion.links.statistics import LinkStatistics
from sqcli.diffusion.nets import LinkScore, Problem
from sqcli.diffusion.nets.lcnn import LCNN
from sqcli.diffusion.objectives.path import PathWeight
from sqcli.diffusion.objectives.target import TargetScore
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.errors import Stopped, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1

GROUPS = [AngleLinks(), GroupLinks(2, True)]
BETA = 2.0


def ids(group):
    return group.name


def number(value):
    return torch.tensor(value, dtype=torch.float64)


def statistics(theory, width=0.8):
    one = torch.ones(1, dtype=torch.float64)
    return LinkStatistics(number(theory.beta), number(width), number(0.5), one, one)


def process(theory, net, lattice=LATTICE):
    couplings = torch.zeros(0, dtype=torch.float64)
    return LinkProcess(net, statistics(theory), Geometric(), theory, lattice, couplings)


def known(theory, factor=1.0, curvature=0.0):
    """A network that knows the score of one link, times a factor."""

    def net(links, level, context):
        rows = level.reshape(-1, *(1,) * (links.dim() if not links.is_complex() else links.dim() - 2))
        score = factor * theory.noised_score(links, rows)
        return LinkScore(score, torch.full_like(per_link(score, theory.manifold), curvature))

    return net


def draws(theory, n, seed):
    """One link by rejection from Haar's measure."""
    generator = np.random.default_rng(seed)
    if isinstance(theory.manifold, AngleLinks):
        return torch.from_numpy(generator.vonmises(0, theory.beta, (n, 1, 1)))
    q = generator.standard_normal((30 * n, 4))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    q = q[generator.random(len(q)) < np.exp(theory.beta * (q[:, 0] - 1))][:n]
    a, b = q[:, 0] + 1j * q[:, 3], q[:, 2] + 1j * q[:, 1]
    links = np.stack([np.stack([a, b], -1), np.stack([-b.conj(), a.conj()], -1)], -2)
    return torch.from_numpy(links[:, None, None])


@pytest.mark.parametrize("level", [0.3, 1.0])
@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_targets_have_the_score_of_noised_links_as_conditional_mean(group, level, judge):
    """E[(T − ∂ log p_s) f(U_s)] = 0 with f = ∂ log p_s and two more, for k, F, its rotated form and the mixture."""
    theory = OneLink(group, BETA)
    work = process(theory, known(theory))

    def sample(seed, size):
        links = draws(theory, 4000 * size, seed)
        levels = torch.full((len(links),), level, dtype=torch.float64)
        noised = losses.noise(work, links, levels, torch.Generator().manual_seed(seed))
        score, force = work.score(noised.links, levels).score, theory.drift(links, LATTICE)
        targets = {
            "kernel": kernel_score(group, noised.turn, levels**2),
            "force": force,
            "rotated": rotate(group, noised.turn, force),
            "mixed": losses.mixed_target(work, links, noised),
        }
        trace = reduced_trace(group, noised.links).flatten(1).mean(1)
        found = {}
        for name, wanted in targets.items():
            product = ((wanted - score) * theory.drift(noised.links, LATTICE)).flatten(1).sum(1)
            found[name] = mean(product.numpy(), 0.0)
            found[name + " with trace"] = mean((product * trace).numpy(), 0.0)
        return found

    judge.check(sample)


@pytest.mark.parametrize("loss", [losses.denoising, losses.target, losses.implicit])
@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_the_exact_score_is_the_minimum_of_every_loss(group, loss, judge):
    """Scores 25 % larger or smaller lose more, by the mean square of the difference."""
    theory = OneLink(group, BETA)

    def sample(seed, size):
        links = draws(theory, 4000 * size, seed)
        values = [
            loss(process(theory, known(theory, factor)), links, torch.Generator().manual_seed(seed))
            for factor in (0.75, 1.0, 1.25)
        ]
        low, middle, high = (value.detach().numpy() for value in values)
        rise = mean(low + high - 2 * middle, at_least=0.0)
        assert rise.value > 0
        return {"slope": mean((high - low) * np.ones(len(low)), 0.0, tolerance=0.2 * float(rise.value))}

    judge.check(sample)


def test_targets_with_the_force_vary_less_at_small_noise():
    theory = OneLink(GROUPS[1], BETA)
    work, links = process(theory, known(theory)), draws(theory, 500, 1)
    level = torch.full((500,), 0.1, dtype=torch.float64)
    noised = losses.noise(work, links, level, torch.Generator().manual_seed(1))
    score = work.score(noised.links, level).score
    errors = [
        (wanted - score).square().mean()
        for wanted in (kernel_score(theory.manifold, noised.turn, level**2), losses.mixed_target(work, links, noised))
    ]
    assert errors[1] < 1e-3 * errors[0]


@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_last_increments_of_a_flat_density_say_that_it_has_no_curvature(group, judge):
    """At β = 0 their variance is that of the forward kernel, so that the regression's minimum is 0."""
    flat = OneLink(group, 1e-9)

    def sample(seed, size):
        links = draws(flat, 3000 * size, seed)
        level = torch.full((len(links),), 0.3, dtype=torch.float64)
        work = process(flat, known(flat))
        noised = losses.noise(work, links, level, torch.Generator().manual_seed(seed))
        left = per_link(noised.last**2, group).flatten(1).mean(1) / noised.step
        return mean(left.numpy(), 1.0, tolerance=0.02)

    judge.check(sample)


def test_single_shot_is_the_published_loss():
    """Without a curvature term, and with −η/s as the target: of U(1) it is denoising score matching."""
    theory = OneLink(GROUPS[0], BETA)
    links = draws(theory, 20000, 3)
    one = losses.denoising(process(theory, known(theory)), links, torch.Generator().manual_seed(1), single_shot=True)
    other = losses.denoising(
        process(theory, known(theory, 1.3)), links, torch.Generator().manual_seed(1), single_shot=True
    )
    assert one.mean() < other.mean()


@pytest.mark.parametrize(("case", "net"), [("u1", "u1cnn"), ("su2", "lcnn"), ("su3", "lcnn")])
def test_every_loss_trains_every_parameter_of_a_net(case, net):
    theory, lattice = theory_of(case)
    model = built(net, case, channels=2, hidden=4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05
    links = torch.from_numpy(theory.manifold.cold(lattice)[None].repeat(2, 0))
    work = process(theory, model, lattice)
    for loss in (losses.denoising, losses.target, losses.implicit):
        model.zero_grad()
        loss(work, links, torch.Generator().manual_seed(1)).sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def ratios(statistics):
    """Factors of the variances on the ladder that they were measured on."""
    return statistics.ratios(torch.cat([torch.zeros(1, dtype=torch.float64), statistics.levels]))


@pytest.mark.parametrize(
    ("objective", "steps"),
    [(TargetScore(), 60), (PathWeight(n_steps=4, model_fraction=0.0), 80)],
    ids=["target", "path"],
)
def test_curvatures_are_learnt(objective, steps):
    """Residuals (ε − m)²/v come to 1 from a net whose curvatures begin as large as can be."""
    theory, lattice = U1(4.0), Lattice((2, 2))
    torch.manual_seed(1)
    net = LCNN(channels=2, hidden=8, blocks=1).build(Problem(theory, lattice, Geometric()))
    with torch.no_grad():
        net.readout.last.bias += 3.0  # moves energies by a constant
    normals = np.random.default_rng(1).standard_normal((768, 2 * lattice.volume))
    train, test = torch.from_numpy(theory.independent(normals, lattice)).split([256, 512])
    work = replace(process(theory, net, lattice), statistics=FAMILY.fit(train, theory, lattice, net))
    before, random = ratios(calibrate(work, test, 1)), torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(net.parameters(), 0.03)
    for step in range(steps):
        optimiser.zero_grad()
        objective.loss(work, train[step % 4 :: 4], random).mean().backward()
        optimiser.step()
    after = ratios(calibrate(work, test, 1))
    assert before.mean() > 1.07
    assert abs(after.mean() - 1) < 0.03


@pytest.mark.parametrize("theory", [U1(2.0), SUN(2, 2.0)], ids=lambda theory: theory.manifold.name)
def test_statistics_measure_widths_and_come_back_from_a_file(theory):
    """A plaquette's width is that of small fluctuations at large β; levels scale with 1/√β."""
    strong, lattice = replace(theory, beta=200.0), Lattice((4, 4))
    rows = 2 * 16 if isinstance(theory, U1) else 4 * theory.n**2 * 16
    fields = torch.from_numpy(strong.independent(np.random.default_rng(1).standard_normal((200, rows)), lattice))
    found = FAMILY.fit(fields, strong, lattice, None)
    expected = math.sqrt(15 / 16 / 200 * (1 if isinstance(theory, U1) else 4))
    assert float(found.width) == pytest.approx(expected, rel=0.03)
    assert found.unit(replace(theory, beta=50.0)) == pytest.approx(float(found.width))
    again = FAMILY.from_tensors(1.0, found.tensors())
    assert all(torch.equal(value, again.tensors()[name]) for name, value in found.tensors().items())
    with pytest.raises(ValueError, match="do not fit"):
        FAMILY.from_tensors(1.0, found.tensors() | {"excess": torch.ones(3, dtype=torch.float64)})


def test_calibration_finds_what_a_wrong_curvature_leaves_and_a_process_stops():
    """Predicted variances that are too small by a factor come out as ratios; ladders begin at the unit."""
    theory = OneLink(GROUPS[0], BETA)
    work = process(theory, known(theory))
    levels = work.ladder(5, 0.5, 0.0)
    assert levels[0] == 0
    assert float(levels[1]) == pytest.approx(0.2)
    assert float(levels[-1]) == pytest.approx(math.sqrt(math.log(1e3) / 2))
    right = calibrate(work, draws(theory, 400, 2), 1)
    assert (ratios(right)[:3] < 1.1).all()
    halved = calibrate(replace(work, net=known(theory, curvature=1e9)), draws(theory, 400, 2), 1)
    assert (ratios(halved) >= ratios(right)).all()
    assert ratios(halved).max() == 5.0
    work.stop.set()
    with pytest.raises(Stopped):
        work.score(draws(theory, 2, 2), levels[1])


def test_groups_without_heat_kernel_are_not_trained():
    theory = SUN(4, 3.0)
    lattice = Lattice((2, 2))
    links = torch.from_numpy(theory.manifold.cold(lattice)[None])
    with pytest.raises(UsageError, match="not for SU"):
        losses.denoising(process(theory, None, lattice), links, torch.Generator().manual_seed(1))
