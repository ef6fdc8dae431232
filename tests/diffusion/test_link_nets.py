"""Networks of links: symmetries they claim, gradients, and what they are before training."""

import math

import pytest
import torch
from built import shaken
from gauge import (
    CASES,
    algebra,
    as_angles,
    as_matrices,
    axes_permuted,
    built,
    context_of,
    gauge,
    gauge_field,
    group_elements,
    links_of,
    permutations,
    reflected,
    reflected_field,
    reflected_numbers,
    theory_of,
)

from sqcli.errors import UsageError

SMALL = {"lcnn": {"channels": 2, "hidden": 4}, "u1cnn": {"channels": 3, "hidden": 4}, "linkunet": {"channels": 4}}
LEVELS = torch.tensor([0.2, 0.6], dtype=torch.float64)
EQUIVARIANT = [
    *(("lcnn", case, {"loops": "chairs", "blocks": 1 if "d" in case else 2}) for case in CASES),
    *(("lcnn", case, {"head": "score", "loops": "plaquettes"}) for case in ("u1", "su2", "u2-3d", "su2-4d", "su3-4d")),
    *(("lcnn", case, {"smearing": 1, "polyakov": True, "blocks": 1}) for case in ("u1", "su3", "u2-3d", "su3-4d")),
    *(("lcnn", case, {"couplings": ("beta",)}) for case in ("su2", "u2-3d")),
    ("u1cnn", "u1", {}),
    ("u1cnn", "u1", {"head": "curl", "reach": 2, "couplings": ("beta",)}),
]
GRADIENTS = [case for case in EQUIVARIANT if case[2].get("head", "energy") == "energy"]


def made(net, case, options):
    """A net with random weights, in double precision."""
    return shaken(built(net, case, **SMALL[net] | options)).double()


def scored(net, case, matrices, extents=None, levels=LEVELS):
    """Score as matrices of the algebra, and curvature, of links given as matrices."""
    theory, _ = theory_of(case)
    links = as_angles(matrices, links_of(case))
    with torch.no_grad():
        found = net(links, levels, context_of(case, len(links), extents))
    return algebra(found.score, theory.manifold), found.curvature


def close(one, other, **tolerance):
    for found, wanted in zip(one, other, strict=True):
        assert wanted.abs().max() > 1e-3
        torch.testing.assert_close(found, wanted, **{"rtol": 1e-9, "atol": 1e-9, **tolerance})


@pytest.mark.parametrize(("name", "case", "options"), EQUIVARIANT)
def test_all_symmetries(name, case, options):
    net, links = made(name, case, options), as_matrices(links_of(case))
    score, curvature = scored(net, case, links)
    omega, extents = group_elements(case, len(links)), links.shape[2:-2]
    close(scored(net, case, gauge(links, omega)), (gauge_field(score, omega), curvature))
    close(scored(net, case, links.conj().resolve_conj()), (-score.conj(), curvature))
    axes = tuple(range(2, 2 + len(extents)))
    steps = tuple(range(1, 1 + len(extents)))
    close(scored(net, case, links.roll(steps, axes)), (score.roll(steps, axes), curvature.roll(steps, axes)))
    for axis in range(len(extents)):
        wanted = reflected_field(score, links, axis), reflected_numbers(curvature, axis)
        close(scored(net, case, reflected(links, axis)), wanted)
    for order in permutations(len(extents)):
        found = scored(net, case, axes_permuted(links, order), tuple(extents[axis] for axis in order))
        close(found, (axes_permuted(score, order), axes_permuted(curvature, order)))


@pytest.mark.parametrize(("name", "case", "options"), EQUIVARIANT)
def test_each_row_for_itself(name, case, options):
    net, links = made(name, case, options), as_matrices(links_of(case))
    whole = scored(net, case, links)
    rows = [scored(net, case, links[row : row + 1], levels=LEVELS[row : row + 1]) for row in range(2)]
    close([torch.cat(parts) for parts in zip(*rows, strict=True)], whole)


@pytest.mark.parametrize(("name", "case", "options"), GRADIENTS)
def test_the_score_is_minus_the_gradient_of_the_energy(name, case, options):
    """Fourth-order differences along a random direction."""
    net, links = made(name, case, options), links_of(case)
    theory, _ = theory_of(case)
    context = context_of(case, len(links))
    random = torch.Generator().manual_seed(2)
    score = net(links, LEVELS, context).score
    direction = torch.randn(score.shape, dtype=torch.float64, generator=random)

    def energy(step):
        moved = torch.from_numpy(theory.manifold.move(links.numpy(), (step * direction).numpy()))
        return net.energy(moved, LEVELS, context)

    step = 1e-3
    slope = (8 * (energy(step) - energy(-step)) - energy(2 * step) + energy(-2 * step)) / (12 * step)
    torch.testing.assert_close(-slope, (score * direction).flatten(1).sum(1), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ["lcnn", "u1cnn"])
@pytest.mark.parametrize("case", CASES)
def test_without_noise_the_score_is_the_force(name, case):
    """Whatever the weights are, and at other couplings than it was trained at."""
    if name == "u1cnn" and case != "u1":
        return
    theory, lattice = theory_of(case)
    net, links = shaken(built(name, case, **SMALL[name])), links_of(case)
    found = net(links, torch.zeros(2), context_of(case, 2))
    torch.testing.assert_close(found.score, theory.drift(links, lattice), rtol=1e-10, atol=1e-10)
    action = net.energy(links, torch.zeros(2), context_of(case, 2))
    torch.testing.assert_close(action, theory.action(links, lattice), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_an_untrained_net_curves_as_its_score_falls(case):
    """Without noise the curvature is minus the divergence of the force, mean over the generators."""
    theory, _ = theory_of(case)
    net, links, context = built("lcnn", case), links_of(case, width=0.3), context_of(case, 2)
    wanted = torch.zeros_like(net(links, LEVELS, context).curvature)
    shape = theory.manifold.tangent(context.lattice)
    level, step, site = torch.zeros(2), 1e-4, (0,) * len(context.lattice.extents)
    generators = shape[1] if links.is_complex() else 1
    for a in range(generators):
        there = (slice(None), 0, a, *site) if links.is_complex() else (slice(None), 0, *site)
        direction = torch.zeros(2, *shape, dtype=torch.float64)
        direction[there] = step
        ends = [torch.from_numpy(theory.manifold.move(links.numpy(), sign * direction.numpy())) for sign in (1, -1)]
        above, below = (net(end, level, context).score[there] for end in ends)
        wanted[(slice(None), 0, *site)] -= (above - below) / (2 * step * generators)
    found = net(links, level, context).curvature[(slice(None), 0, *site)]
    torch.testing.assert_close(found, wanted[(slice(None), 0, *site)], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "options"), [("lcnn", {}), ("lcnn", {"head": "score"}), ("u1cnn", {})])
def test_training_changes_what_the_net_adds(name, options):
    """A few steps towards another score; the gradient reaches every weight but those behind zeros."""
    net, links, context = built(name, "u1", **options), links_of("u1"), context_of("u1", 2)
    with torch.no_grad():
        before = net(links, LEVELS, context)
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for _ in range(12):
        found = net(links, LEVELS, context)
        loss = (found.score - 1.5 * before.score).square().mean() + found.curvature.mean()
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.97 * losses[0]
    assert all(weight.grad is not None for weight in net.parameters())


@pytest.mark.parametrize("name", ["lcnn", "u1cnn"])
def test_reduced_precision_is_left_alone(name):
    net, links, context = shaken(built(name, "u1", **SMALL[name])), links_of("u1"), context_of("u1", 2)
    with torch.autocast("cpu", torch.bfloat16):
        close(net(links, LEVELS, context), net(links, LEVELS, context))


def test_the_published_transfer_multiplies_by_couplings():
    theory, lattice = theory_of("u1")
    net, links = shaken(built("lcnn", "u1", transfer="published")), links_of("u1")
    context = context_of("u1", 2)
    there = type(context)(type(theory)(beta=3.4), lattice, context.couplings, theory.beta)
    close(net(links, LEVELS, there), [2 * part for part in net(links, LEVELS, context)])


def test_at_weak_coupling_only_the_noise_in_units_of_fluctuations_matters():
    """Coupling times 4, noise and angles over 2: twice the force."""
    theory, lattice = theory_of("u1")
    net, links = shaken(built("lcnn", "u1")).double(), links_of("u1")
    links = 1e-4 * torch.randn(links.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    context = context_of("u1", 2)

    def score(beta, links, levels):
        return net(links, levels, type(context)(type(theory)(beta=beta), lattice, context.couplings, 1.0)).score

    one = score(1e8, links, LEVELS / 1e4)
    two = score(4e8, links / 2, LEVELS / 2e4)
    assert (two - 2 * one).abs().max() < 5e-3 * one.abs().max()


@pytest.mark.parametrize(("case", "extents"), [("u1", (16, 8)), ("u1-3d", (16, 8, 8))])
def test_the_published_net_is_not_gauge_covariant(case, extents):
    """Nor does it know that θ and θ + 2π − 0 are neighbours; by the coarsest cell it can be translated."""
    net, axes = shaken(built("linkunet", case, **SMALL["linkunet"])), tuple(range(2, 2 + len(extents)))
    random = torch.Generator().manual_seed(5)
    angles = (2 * torch.rand(2, len(extents), *extents, dtype=torch.float64, generator=random) - 1) * math.pi
    context = context_of(case, 2, extents)

    def score(links):
        with torch.no_grad():
            return net.double()(links, LEVELS, context).score

    omega = torch.exp(1j * torch.randn(2, *extents, dtype=torch.float64, generator=random))[..., None, None]
    turned = as_angles(gauge(as_matrices(angles), omega), angles)
    assert (score(turned) - score(angles)).abs().max() > 1e-2
    torch.testing.assert_close(score(angles + 2 * math.pi), score(angles), rtol=1e-6, atol=1e-6)
    steps = (8,) * len(extents)
    torch.testing.assert_close(score(angles.roll(steps, axes)), score(angles).roll(steps, axes), rtol=1e-6, atol=1e-6)
    assert (net(angles, LEVELS, context).curvature == 0).all()


@pytest.mark.parametrize(
    ("name", "case", "says"), [("u1cnn", "su2", "u1"), ("u1cnn", "u1-3d", "2 dim"), ("linkunet", "su3", "u1")]
)
def test_nets_refuse_what_they_are_not_for(name, case, says):
    with pytest.raises(UsageError, match=says):
        built(name, case)


def test_a_free_field_has_no_energy():
    with pytest.raises(UsageError, match="head energy"):
        built("lcnn", "u1", head="score").energy(links_of("u1"), LEVELS, context_of("u1", 2))
