"""Parts of networks of links: what noise leaves of a coupling, loops and their images, second derivatives."""

import math

import numpy as np
import pytest
import torch
from built import shaken
from gauge import CASES, as_matrices, built, context_of, links_of, theory_of

from sqcli import registry
from sqcli.diffusion.nets._coupling import LinkGroup
from sqcli.diffusion.nets._loops import CHAIR, RECTANGLE, SQUARE, Walks, images
from sqcli.lattice.geometry import Lattice

GROUPS = [("u1", {}), ("sun", {"n": 2}), ("sun", {"n": 3}), ("un", {"n": 2})]


def group_of(name, parameters, beta=1.0):
    theory = registry.load("theories", name)(beta=beta, **parameters)
    return theory, LinkGroup.of(theory.manifold, 2)


@pytest.mark.parametrize(("name", "parameters"), GROUPS)
@pytest.mark.parametrize("level", [0.1, 0.4, 1.0])
def test_at_strong_coupling_the_coupling_falls_as_the_plaquette(name, parameters, level):
    _, group = group_of(name, parameters)
    found = group.noised(1e-3, torch.tensor([level])).beta
    torch.testing.assert_close(
        found, torch.tensor([1e-3 * math.exp(-2 * group.casimir * level**2)]).double(), rtol=1e-5, atol=0
    )


@pytest.mark.parametrize(("name", "parameters"), GROUPS)
def test_at_weak_coupling_variances_add(name, parameters):
    """A plaquette has 1/β and four links' noise in each direction; for angles 1/β_s = 1/β + 4 s²."""
    _, group = group_of(name, parameters)
    found = group.noised(1e5, torch.tensor([0.002])).beta
    wanted = 1 / (1e-5 + 4 * group.casimir / group.generators * 0.002**2)
    torch.testing.assert_close(found, torch.tensor([wanted]).double(), rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("name", "parameters", "most"), [("u1", {}, 0.07), ("sun", {"n": 2}, 0.04), ("un", {"n": 2}, 0.17)]
)
def test_in_between_the_closed_form_is_near_the_exact_plaquette(name, parameters, most):
    for beta in (0.5, 2.0, 4.0, 8.0):
        theory, group = group_of(name, parameters, beta)
        mean = next(value for (key, _), value in theory.exact(Lattice((16, 16))).items() if key == "plaquette")
        assert abs(mean * group.coupling(mean) / beta - 1) < most


def test_an_odd_coupling_and_none():
    _, group = group_of("u1", {})
    level = torch.tensor([0.5])
    torch.testing.assert_close(group.noised(-2.0, level).beta, -group.noised(2.0, level).beta)
    assert group.noised(0.0, level).beta == 0
    assert torch.isfinite(group.noised(2.0, torch.tensor([30.0])).told(True)).all()


def test_images_of_loops():
    """One 2 × 1 rectangle lies and one stands in each plane; a cube has no chairs in two dimensions."""
    assert [len(images(loop, 2)) for loop in (RECTANGLE, SQUARE, CHAIR)] == [2, 1, 0]
    assert [len(images(loop, 3)) for loop in (RECTANGLE, SQUARE)] == [6, 3]
    assert [len(images(loop, 4)) for loop in (RECTANGLE, SQUARE)] == [12, 6]


@pytest.mark.parametrize("case", CASES)
def test_traces_are_those_of_the_walked_loop(case):
    """The loop from the origin, link by link; and every loop is counted at each of its links."""
    links = as_matrices(links_of(case))
    walks, extents = Walks(links), links.shape[2:-2]
    for image in images(RECTANGLE, len(extents)) + images(CHAIR, len(extents)):
        site, product = [0] * len(extents), torch.eye(links.shape[-1], dtype=links.dtype)
        for step in image:
            axis = abs(step) - 1
            site[axis] -= step < 0
            here = links[(slice(None), axis, *np.mod(site, extents))]
            product = product @ (here if step > 0 else here.mH)
            site[axis] += step > 0
        assert site == [0] * len(extents)
        trace = walks.trace(image)
        wanted = product.diagonal(0, -2, -1).mean(-1).real
        torch.testing.assert_close(trace[(slice(None), *site)], wanted)
        total = walks.at_links(trace, image).flatten(1).sum(1)
        torch.testing.assert_close(total, len(image) * trace.flatten(1).sum(1))


@pytest.mark.parametrize("name", ["lcnn", "u1cnn"])
def test_the_score_can_be_differentiated_again(name):
    """Its Jacobian is symmetric, as that of a gradient is; that of a free field is not."""
    links, (_, lattice) = links_of("u1", 1), theory_of("u1")
    level, context = torch.tensor([0.5]), context_of("u1", 1)
    for head, symmetric in (("energy", True), ("score" if name == "lcnn" else "curl", False)):
        net = shaken(built(name, "u1", head=head)).double()
        jacobian = torch.func.jacrev(lambda moved, n=net: n(moved, level, context).score)(links)
        jacobian = jacobian.reshape(2 * lattice.volume, -1)
        deviation = (jacobian - jacobian.T).abs().max()
        assert deviation < 1e-10 if symmetric else deviation > 1e-4
