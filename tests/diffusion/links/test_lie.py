"""Motion, algebra, logarithm, gauge transformations and Haar's measure of links in torch, against those in NumPy."""

import math

import numpy as np
import pytest
import torch
from statistical import mean

from sqcli.diffusion.links.lie import (
    algebra,
    casimir,
    components,
    coordinates,
    gauge_transformed,
    generators,
    haar,
    haar_calls,
    inverse,
    link_manifold,
    logarithm,
    move,
    nudge,
    product,
    rotate,
)
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks
from sqcli.theories.phi4 import Phi4
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1

LATTICE = Lattice((2, 3))
GROUPS = [GroupLinks(n, special) for n in (2, 3, 4) for special in (True, False)] + [GroupLinks(1, False)]
ALL = [AngleLinks(), *GROUPS]


def ids(group):
    return group.name


def tangents(group, rng, n=3, size=1.0):
    return torch.from_numpy(size * rng.standard_normal((n, *group.tangent(LATTICE))))


def random_links(group, rng, n=3):
    return move(group, torch.from_numpy(np.stack([group.cold(LATTICE)] * n)), tangents(group, rng, n, 2.0))


@pytest.mark.parametrize("size", [0.0, 1e-9, 0.1, 1.0, 9.0])
@pytest.mark.parametrize("group", ALL, ids=ids)
def test_motion_is_that_of_the_manifold(group, size, rng):
    links, tangent = random_links(group, rng), tangents(group, rng, 3, size)
    found, expected = move(group, links, tangent), group.move(links.numpy(), tangent.numpy())
    assert group.distance(found.numpy(), expected) < 1e-13 * (1 + size)


@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_links_stay_in_the_group_over_many_moves(group, rng):
    links = random_links(group, rng)
    for _ in range(300):
        links = move(group, links, tangents(group, rng, 3, 1.5))
    assert group.distance(links.numpy(), group.project(links.numpy())) < 1e-13


@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_components_and_algebra_use_the_generators(group, rng):
    tangent, links = tangents(group, rng), random_links(group, rng)
    expected = np.einsum("nma...,aij->nm...ij", tangent.numpy(), group.generators)
    np.testing.assert_allclose(algebra(group, tangent), expected, atol=1e-14)
    traces = np.einsum("aij,nm...ji->nma...", group.generators, links.numpy()).imag
    np.testing.assert_allclose(components(group, links), traces, atol=1e-14)
    torch.testing.assert_close(coordinates(group, algebra(group, tangent)), tangent, rtol=0, atol=1e-14)
    squares = sum(matrix @ matrix for matrix in group.generators)
    np.testing.assert_allclose(squares, casimir(group) * np.eye(group.n), atol=1e-14)
    assert generators(group) == len(group.generators)


@pytest.mark.parametrize("group", ALL, ids=ids)
def test_the_logarithm_inverts_motion(group, rng):
    """Short tangent vectors come back; of any element the logarithm leads to it, with equal eigenvalues too."""
    cold = torch.from_numpy(np.stack([group.cold(LATTICE)] * 3))
    tangent = tangents(group, rng, 3, 0.3)
    torch.testing.assert_close(logarithm(group, move(group, cold, tangent)), tangent, rtol=0, atol=1e-12)
    for links in (random_links(group, rng), cold, inverse(group, random_links(group, rng))):
        assert group.distance(move(group, cold, logarithm(group, links)).numpy(), links.numpy()) < 1e-12


def test_the_logarithm_knows_degenerate_matrices():
    """Central elements and pairs of equal phases, also where real parts of different eigenvalues agree."""
    group = GroupLinks(3, True)
    third = 2 * math.pi / 3
    for phases in [(third, third, -2 * third), (1.0, 1.0, -2.0), (1.0, -1.0, 0.0), (math.pi, -math.pi, 0.0)]:
        links = torch.diag(torch.exp(1j * torch.tensor(phases, dtype=torch.float64))).reshape(1, 1, 1, 1, 3, 3)
        tangent = logarithm(group, links)
        assert group.distance(move(group, torch.eye(3).to(links), tangent).numpy(), links.numpy()) < 1e-13


@pytest.mark.parametrize("group", ALL, ids=ids)
def test_rotation_of_tangents_is_conjugation(group, rng):
    """g exp(iv) g† = exp(i rotated v)."""
    links, turns, tangent = random_links(group, rng), random_links(group, rng), tangents(group, rng)
    one = move(group, links, rotate(group, turns, tangent))
    other = product(group, turns, move(group, product(group, inverse(group, turns), links), tangent))
    assert group.distance(one.numpy(), other.numpy()) < 1e-12


@pytest.mark.parametrize("group", ALL, ids=ids)
def test_a_nudge_is_the_derivative_of_motion(group, rng):
    links, tangent = random_links(group, rng), tangents(group, rng)
    h = 1e-6
    change = (move(group, links, h * tangent) - move(group, links, -h * tangent)) / (2 * h)
    if isinstance(group, AngleLinks):
        change = tangent
    torch.testing.assert_close(nudge(group, links, tangent) - links, change, rtol=0, atol=1e-8)


@pytest.mark.parametrize("theory", [U1(2.0), SUN(2, 2.0), SUN(3, 2.0)], ids=["U(1)", "SU(2)", "SU(3)"])
def test_gauge_transformations_leave_the_action_alone(theory, rng):
    group, links = theory.manifold, random_links(theory.manifold, rng)
    turns = random_links(group, rng)[:, 0]
    moved = gauge_transformed(group, links, turns, LATTICE)
    torch.testing.assert_close(theory.action(moved, LATTICE), theory.action(links, LATTICE))
    force = rotate(group, turns.unsqueeze(1).expand_as(links), theory.drift(links, LATTICE))
    torch.testing.assert_close(theory.drift(moved, LATTICE), force)


@pytest.mark.parametrize("group", ALL, ids=ids)
def test_haars_measure(group, judge):
    """⟨tr U⟩ = 0, ⟨|tr U|²⟩ = 1 and ⟨|tr U|⁴⟩ = 2 for N ≥ 2; ⟨(tr U)ᴺ⟩ = 1 for SU(N), else 0."""
    n = 1 if isinstance(group, AngleLinks) else group.n

    def sample(seed, size):
        generator = np.random.default_rng(seed)
        links = haar(group, [tangents(group, generator, 400 * size) for _ in range(haar_calls(group))])
        if isinstance(group, AngleLinks):
            assert links.abs().max() <= math.pi
            traces = torch.exp(1j * links)
        else:
            assert group.distance(links.numpy(), group.project(links.numpy())) < 1e-13
            traces = links.diagonal(0, -2, -1).sum(-1)
        rows = traces.flatten(1)
        found = {
            "trace": mean(rows.real.mean(1), 0.0),
            "power": mean((rows**n).real.mean(1), float(n > 1 and group.special)),
        }
        if n > 1:
            found["square"] = mean((rows.abs() ** 2).mean(1), 1.0)
            if n > 2 or group.special:
                found["fourth"] = mean((rows.abs() ** 4).mean(1), 2.0)
        return found

    judge.check(sample)


@pytest.mark.parametrize("group", ALL, ids=ids)
def test_a_row_does_not_depend_on_its_batch(group, rng):
    normals = [tangents(group, rng, 41) for _ in range(haar_calls(group))]
    tangent = tangents(group, rng, 41, 3.0)
    whole = move(group, haar(group, normals), tangent)
    for row in range(41):
        here = slice(row, row + 1)
        assert torch.equal(whole[here], move(group, haar(group, [part[here] for part in normals]), tangent[here]))


def test_real_fields_have_no_links():
    with pytest.raises(UsageError, match="only a gauge theory"):
        link_manifold(Phi4(kappa=0.2, lam=0.02))
    assert isinstance(link_manifold(U1(1.0)), AngleLinks)
