"""Paths of links: their weights are exact for any score, from above and from below; partial moves keep the target."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from one_link import LATTICE as POINT
from one_link import OneLink, partition, torus_partition
from statistical import mean, ratio

from sqcli.diffusion.links.lie import casimir, per_link, reduced_trace
from sqcli.diffusion.links.paths import LinkPaths, ladder
from sqcli.diffusion.links.priors import HaarPrior, SolvedPrior, prior, weakened
from sqcli.diffusion.nets import LinkScore
from sqcli.diffusion.objectives import GeneratorNumbers
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1
from sqcli.theories.un import UN

GROUPS = [AngleLinks(), GroupLinks(2, True), GroupLinks(3, True), GroupLinks(2, False)]
FOUR, TORUS = Lattice((4,)), Lattice((2, 2))
THEORIES = [U1(1.5), SUN(2, 2.0), SUN(3, 3.0), UN(2, 2.0)]
CPU = torch.device("cpu")


def ids(value):
    return value.name if hasattr(value, "name") else value.manifold.name


def fair(theory, lattice, links=4):
    """The force at a coupling that decays as plaquettes of so many links do."""
    weak = theory.beta * casimir(theory.manifold) / getattr(theory.manifold, "n", 1)

    def score(field, level):
        left = torch.exp(-links / 2 * casimir(theory.manifold) * level**2)
        share = left / (1 + weak * (1 - left))
        drift = share * theory.drift(field, lattice)
        flat = per_link(drift, theory.manifold)
        return LinkScore(drift, torch.full_like(flat, float(share * weak)))

    return score


def bad(theory, lattice):
    """A force of the wrong sign with a shift, and curvatures of something else."""

    def score(field, level):
        drift = -0.3 * theory.drift(field, lattice) * torch.exp(-(level**2)) + 0.25
        return LinkScore(drift, (0.2 + 0.1 * per_link(drift, theory.manifold)).clamp(min=0))

    return score


def worse(theory, lattice):
    """A force of the wrong sign, shifted, for several links: not so bad that hardly any path counts."""

    def score(field, level):
        drift = -0.2 * theory.drift(field, lattice) * torch.exp(-(level**2)) + 0.03
        return LinkScore(drift, torch.full_like(per_link(drift, theory.manifold), 0.03))

    return score


def crossed(theory, lattice):
    """A force of the wrong sign, half of it that of the next link: kernels depend on what they do not move."""

    def score(field, level):
        drift = -0.3 * theory.drift(field + field.roll(1, 2), lattice) * torch.exp(-(level**2)) + 0.05
        return LinkScore(drift, 0.1 + 0.3 * per_link(drift, theory.manifold).roll(1, 2).abs())

    return score


def paths(theory, score, steps=8, low=0.4, ratios=1.0, high=2.0, law=None):
    levels = ladder(steps, low, high, casimir(theory.manifold))
    factors = torch.full((steps,), ratios, dtype=torch.float64)
    return LinkPaths(theory.manifold, score, levels, factors, law or HaarPrior(theory.manifold))


def numbers(theory, lattice, n, seed):
    return GeneratorNumbers(n, theory.manifold.tangent(lattice), CPU, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", [fair, bad])
@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_path_weights_of_one_link_average_to_z(group, kind, judge):
    """⟨w⟩ = Z, and ⟨w Re tr U/N⟩/⟨w⟩ = −∂ log Z/∂β + 1."""
    theory = OneLink(group, 2.5)
    score = fair(theory, POINT, 1) if kind is fair else bad(theory, POINT)
    h = 1e-5
    slope = math.log(partition(OneLink(group, 2.5 + h)) / partition(OneLink(group, 2.5 - h))) / (2 * h)

    def sample(seed, size):
        n = 10_000 * size
        fields, log_q = paths(theory, score).descend(numbers(theory, POINT, n, seed))
        weight = torch.exp(-theory.action(fields, POINT) - log_q)
        traces = reduced_trace(group, fields).flatten(1).mean(1)
        return {"z": mean(weight.numpy(), partition(theory)), "trace": ratio(weight * traces, weight, 1 + slope)}

    judge.check(sample)


@pytest.mark.parametrize("kind", [fair, worse, crossed])
@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_path_weights_of_four_links_average_to_the_fourth_power_of_z(group, kind, judge):
    theory = OneLink(group, 1.0)
    score = fair(theory, FOUR, 1) if kind is fair else kind(theory, FOUR)

    def sample(seed, size):
        fields, log_q = paths(theory, score).descend(numbers(theory, FOUR, 8000 * size, seed))
        weight = torch.exp(-theory.action(fields, FOUR) - log_q)
        return mean(weight.numpy(), partition(theory) ** 4)

    judge.check(sample)


@pytest.mark.parametrize("kind", [fair, worse])
@pytest.mark.parametrize("theory", THEORIES, ids=ids)
def test_path_weights_of_a_torus_average_to_z(theory, kind, judge):
    """⟨w⟩ = Z by characters on the 2×2 torus, and the weighted action."""
    theory = theory if kind is fair else replace(theory, beta=theory.beta / 3)
    expected = theory.exact(TORUS)["action", None] * TORUS.volume

    def sample(seed, size):
        made = paths(theory, kind(theory, TORUS), steps=8 if kind is fair else 3, low=0.4 if kind is fair else 1.0)
        fields, log_q = made.descend(numbers(theory, TORUS, 6000 * size, seed))
        action = theory.action(fields, TORUS)
        weight = torch.exp(-action - log_q)
        return {
            "z": mean(weight.numpy(), torus_partition(theory, TORUS.volume)),
            "action": ratio(weight * action, weight, expected),
        }

    judge.check(sample)


@pytest.mark.parametrize("kind", [fair, worse])
@pytest.mark.parametrize("theory", THEORIES, ids=ids)
def test_path_weights_from_a_solved_prior_average_to_z(theory, kind, judge):
    """⟨w⟩ = Z, the weighted action and, where determinants have one, the charge: whatever the prior's coupling is."""
    exact = theory.exact(TORUS)
    law = prior(theory if kind is fair else replace(theory, beta=0.7 * theory.beta), TORUS, 0.5)
    assert isinstance(law, SolvedPrior)

    def sample(seed, size):
        made = paths(theory, kind(theory, TORUS), steps=3, low=0.2, high=0.5, law=law)
        fields, log_q = made.descend(numbers(theory, TORUS, 4000 * size, seed))
        action = theory.action(fields, TORUS)
        weight = torch.exp(-action - log_q)
        found = {
            "z": mean(weight.numpy(), torus_partition(theory, TORUS.volume)),
            "action": ratio(weight * action, weight, exact["action", None] * TORUS.volume),
        }
        if ("topological_susceptibility", None) in exact:
            squares = torch.from_numpy(theory.charge(fields.numpy(), TORUS) ** 2)
            expected = exact["topological_susceptibility", None] * TORUS.volume
            found["charge"] = ratio(weight * squares, weight, expected)
        return found

    judge.check(sample)


@pytest.mark.parametrize("theory", THEORIES[:2], ids=ids)
def test_forward_paths_to_a_solved_prior_average_to_one_over_z(theory, judge):
    law = prior(theory, TORUS, 0.5)

    def sample(seed, size):
        fields = exact_draws(theory, 2000 * size, seed)
        made = paths(theory, worse(theory, TORUS), steps=3, low=0.2, high=0.5, law=law)
        log_q = made.log_density(fields, numbers(theory, TORUS, len(fields), seed + 1))
        inverse = torch.exp(theory.action(fields, TORUS) + log_q)
        return mean(inverse.numpy(), 1 / torus_partition(theory, TORUS.volume))

    judge.check(sample)


@pytest.mark.parametrize("theory", [*THEORIES, SUN(3, -2.0)], ids=ids)
def test_solved_priors_have_the_plaquette_that_noise_leaves(theory):
    """u(β_s) = e^{−2Cs²} u(β) on the plane; without noise the theory itself, with much of it Haar's measure."""
    plane = Lattice((64, 64))
    before, after = (t.exact(plane)["plaquette", None] for t in (theory, weakened(theory, plane, 0.6)))
    assert after == pytest.approx(before * math.exp(-2 * casimir(theory.manifold) * 0.36), rel=1e-6)
    assert weakened(theory, plane, 0.0).beta == pytest.approx(theory.beta, rel=1e-9)
    assert abs(weakened(theory, plane, 4.0).beta) < 1e-3


def test_what_cannot_be_drawn_directly_starts_from_haar():
    for theory, extents in ((U1(1.0), (2, 2, 2)), (SUN(3, 5.0), (2, 2, 2, 2)), (SUN(4, 3.0), (4, 4))):
        assert isinstance(prior(theory, Lattice(extents), 0.5), HaarPrior)
    assert weakened(U1(0.0), TORUS, 0.5) == U1(0.0)


@pytest.mark.parametrize("theory", THEORIES[:2], ids=ids)
def test_forward_paths_from_the_target_average_to_one_over_z(theory, judge):
    """⟨1/w⟩ = 1/Z on exact draws: `log_density` is of the paths that `descend` draws."""

    def sample(seed, size):
        fields = exact_draws(theory, 2000 * size, seed)
        made = paths(theory, fair(theory, TORUS))
        log_q = made.log_density(fields, numbers(theory, TORUS, len(fields), seed + 1))
        inverse = torch.exp(theory.action(fields, TORUS) + log_q)
        return mean(inverse.numpy(), 1 / torus_partition(theory, TORUS.volume))

    judge.check(sample)


@pytest.mark.parametrize("kind", [fair, bad])
@pytest.mark.parametrize("theory", THEORIES[:2], ids=ids)
def test_moves_of_partial_noise_leave_the_target_invariant(theory, kind, judge):
    """⟨S⟩ and ⟨S²⟩ of exact draws do not change by accepted moves."""

    def sample(seed, size):
        old = exact_draws(theory, 3000 * size, seed)
        made = paths(theory, kind(theory, TORUS))
        new, change = made.partial(old, numbers(theory, TORUS, len(old), seed + 1), 4)
        before, after = (theory.action(fields, TORUS) for fields in (old, new))
        uniform = torch.rand(len(old), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        accepted = uniform.log() < before - after - change
        assert 0.01 < accepted.double().mean() < 1
        now = torch.where(accepted, after, before)
        return {"action": mean((now - before).numpy(), 0.0), "square": mean((now**2 - before**2).numpy(), 0.0)}

    judge.check(sample)


def exact_draws(theory, n, seed):
    rows = 2 * TORUS.volume if isinstance(theory, U1) else 4 * theory.n**2 * TORUS.volume
    return torch.from_numpy(theory.independent(np.random.default_rng(seed).standard_normal((n, rows)), TORUS))


@pytest.mark.parametrize("solved", [False, True])
@pytest.mark.parametrize("theory", THEORIES, ids=ids)
def test_a_path_does_not_depend_on_its_batch(theory, solved, rng):
    """Bit for bit, up to what the theory's own force does."""
    law = prior(theory, TORUS, 0.5) if solved else None
    made = paths(theory, lambda field, level: _none(theory, field), law=law)
    shape = theory.manifold.tangent(TORUS)
    drawn = torch.from_numpy(rng.standard_normal((20, 7, *shape)))

    class Rows:
        def __init__(self, rows):
            self.rows = rows

        def normal(self, step):
            return drawn[step, self.rows]

    whole, alone = made.descend(Rows(slice(None))), made.descend(Rows(slice(4, 5)))
    assert torch.equal(whole[0][4:5], alone[0])
    assert torch.equal(whole[1][4:5], alone[1])


def _none(theory, field):
    flat = reduced_trace(theory.manifold, field)
    shape = (len(field), *theory.manifold.tangent(TORUS))
    return LinkScore(torch.zeros(shape, dtype=torch.float64), 0.3 * (1 + flat))


def test_levels_rise_and_are_dense_where_plaquettes_decay():
    """More than half of the steps are between the levels at which y^{3/2} e^{−y} is half of its maximum, y = 2Cs²."""
    levels = ladder(200, 0.05, 1.9, 1.0)
    assert levels[0] == 0
    assert [float(levels[1]), float(levels[-1])] == pytest.approx([0.05, 1.9])
    assert (levels[1:] > levels[:-1]).all()
    inside = ((levels > math.sqrt(0.52 / 2)) & (levels < math.sqrt(3.4 / 2))).sum()
    assert 95 < int(inside) < 130
    assert ladder(1, 0.05, 1.9, 1.0).tolist() == pytest.approx([0, 1.9])
