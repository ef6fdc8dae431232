"""Symmetries of links, for tests: each acts on links and on fields in the algebra, both as matrices."""

import itertools

import numpy as np
import torch

from sqcli import registry
from sqcli.diffusion.models.design import Choice
from sqcli.diffusion.models.families import family_of
from sqcli.diffusion.nets import LinkContext, Problem
from sqcli.lattice.geometry import Lattice

CASES = {
    "u1": ("u1", {"beta": 1.7}, (3, 4)),
    "u1-3d": ("u1", {"beta": 1.7}, (2, 3, 4)),
    "su2": ("sun", {"n": 2, "beta": 2.3}, (4, 3)),
    "u2-3d": ("un", {"n": 2, "beta": 4.0}, (2, 3, 3)),
    "su3": ("sun", {"n": 3, "beta": 5.0}, (3, 2)),
    "su2-4d": ("sun", {"n": 2, "beta": 2.3}, (2, 3, 2, 2)),
    "su3-4d": ("sun", {"n": 3, "beta": 5.0}, (2, 2, 2, 2)),
}


def theory_of(case):
    name, parameters, extents = CASES[case]
    return registry.load("theories", name)(**parameters), Lattice(extents)


def built(net, case, couplings=(), seed=1, **sizes):
    """An untrained net for a case."""
    theory, lattice = theory_of(case)
    problem = Problem(theory, lattice, Choice.build("schedule", "ve", {}).value, couplings)
    architecture = registry.load("diffusion/nets", net)(**sizes)
    architecture.check(problem)
    torch.manual_seed(seed)
    return architecture.build(problem)


def context_of(case, rows, extents=None, couplings=0):
    theory, lattice = theory_of(case)
    lattice = Lattice(extents) if extents else lattice
    return LinkContext(theory, lattice, torch.zeros(rows, couplings, dtype=torch.float64), theory.beta)


def process_of(net, case):
    """A net at work on its case, with statistics of a few links."""
    theory, lattice = theory_of(case)
    family, schedule = family_of(net), Choice.build("schedule", "ve", {}).value
    statistics = family.fit(links_of(case, rows=4), theory, lattice, net)
    return family.process(net, statistics, schedule, theory, lattice, torch.zeros(0, dtype=torch.float64))


def links_of(case, rows=2, seed=3, width=0.7):
    """Links not far from a random gauge of the ordered ones, so that plaquettes are neither 1 nor Haar."""
    theory, lattice = theory_of(case)
    random, manifold = np.random.default_rng(seed), theory.manifold
    cold = np.broadcast_to(manifold.cold(lattice), (rows, *manifold.site(lattice)))
    moved = manifold.move(cold, width * random.standard_normal((rows, *manifold.tangent(lattice))))
    links = torch.from_numpy(np.ascontiguousarray(moved))
    return as_angles(gauge(as_matrices(links), group_elements(case, rows, seed)), links)


def as_matrices(links):
    return links if links.is_complex() else torch.exp(1j * links)[..., None, None]


def as_angles(matrices, like):
    return matrices if like.is_complex() else matrices[..., 0, 0].angle()


def algebra(tangents, manifold):
    """Tangent vectors as matrices Σ_a v_a T_a, (n, D, *extents, N, N)."""
    if not hasattr(manifold, "generators"):
        return tangents[..., None, None].to(torch.complex128)
    return torch.einsum("nma...,aij->nm...ij", tangents.to(torch.complex128), torch.from_numpy(manifold.generators))


def group_elements(case, rows, seed=7):
    """Random elements of the group at every site, (n, *extents, N, N)."""
    theory, lattice = theory_of(case)
    random = np.random.default_rng(seed)
    if not hasattr(theory.manifold, "generators"):
        return torch.exp(1j * torch.from_numpy(random.uniform(-3, 3, (rows, *lattice.extents))))[..., None, None]
    n = theory.manifold.n
    normal = random.standard_normal((rows, *lattice.extents, n, n, 2))
    return torch.from_numpy(theory.manifold.project(normal[..., 0] + 1j * normal[..., 1]))


def gauge(links, omega):
    ahead = [omega.roll(-1, 1 + mu) for mu in range(links.dim() - 4)]
    return torch.stack([omega @ links[:, mu] @ there.mH for mu, there in enumerate(ahead)], 1)


def gauge_field(field, omega):
    return omega[:, None] @ field @ omega[:, None].mH


def axes_permuted(field, order):
    """Permute the lattice's axes of anything (n, D, *extents, …)."""
    dimension = len(order)
    rest = range(2 + dimension, field.dim())
    return field[:, list(order)].permute(0, 1, *(2 + axis for axis in order), *rest)


def reflected(links, axis):
    """Reflect one axis, whose links are then walked back."""
    turned = links.flip(2 + axis)
    turned[:, axis] = links[:, axis].mH.roll(1, 1 + axis).flip(1 + axis)
    return turned


def reflected_field(field, links, axis):
    """Reflect a field in the algebra: along the axis it is −U† v U, at the link's other end."""
    turned = field.flip(2 + axis)
    other_end = -links[:, axis].mH @ field[:, axis] @ links[:, axis]
    turned[:, axis] = other_end.roll(1, 1 + axis).flip(1 + axis)
    return turned


def reflected_numbers(numbers, axis):
    """Reflect numbers of the links, (n, D, *extents)."""
    turned = numbers.flip(2 + axis)
    turned[:, axis] = numbers[:, axis].roll(1, 1 + axis).flip(1 + axis)
    return turned


def permutations(dimension):
    return [order for order in itertools.permutations(range(dimension)) if list(order) != sorted(order)]
