"""Densities on the plane Σ y = const of plaquettes, against dense linear algebra in a basis of the plane."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.linalg import null_space
from scipy.stats import multivariate_normal, norm
from statistical import mean

from sqcli.diffusion.nets import PlaquetteMoments
from sqcli.diffusion.plaquettes.kernel import ReverseKernel
from sqcli.diffusion.plaquettes.lift import TURN
from sqcli.diffusion.plaquettes.mixture import Mixture
from sqcli.diffusion.plaquettes.plane import log_white, project

V = 4
BASIS = null_space(np.ones((1, V)))  # (V, V − 1), orthonormal
GRID = torch.linspace(-6, 6, 241, dtype=torch.float64)


def numbers(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def skew(offset):
    """A kernel whose mixtures vary along y, linearly as its table is read, and the mixtures at given y."""

    def at(y):
        plus, minus = 0.7 + 0.05 * y, 0.9 - 0.08 * y
        return Mixture(0.7 * y, offset * (1 + 0.1 * y), plus, minus if offset else plus)

    return ReverseKernel(float(GRID[0]), float(GRID[1] - GRID[0]), torch.stack(list(at(GRID)), 1)), at


def dense(mixture, total, y):
    """Density at y of ŷ − v (Σ ŷ − total)/Σ v with ŷ of the mixtures: one Gaussian for each choice of components."""
    centre, offset, plus, minus = (part.numpy() for part in mixture)
    spread = mixture.variance.numpy()
    onto, found = np.eye(V) - np.outer(spread, np.ones(V)) / spread.sum(), 0.0
    for signs in product((1, -1), repeat=V):
        at = onto @ (centre + np.array(signs) * offset) + spread * total / spread.sum()
        variance = BASIS.T @ onto @ np.diag(np.where(np.array(signs) > 0, plus, minus)) @ onto.T @ BASIS
        found += multivariate_normal(BASIS.T @ at, variance).pdf(y.numpy() @ BASIS) / 2**V
    return found


def test_white_noise_and_projection_are_those_of_the_basis():
    d = numbers(1, 5, V)
    np.testing.assert_allclose(project(d), d.numpy() @ BASIS @ BASIS.T, atol=1e-14)
    for variance in (0.3, torch.tensor(2.0, dtype=torch.float64)):
        wanted = multivariate_normal(np.zeros(V - 1), float(variance) * np.eye(V - 1)).logpdf(
            project(d).numpy() @ BASIS
        )
        np.testing.assert_allclose(log_white(project(d), variance), wanted, rtol=1e-13)


def test_mixtures_are_sums_of_two_gaussians_with_their_slopes():
    y = numbers(2, V).requires_grad_()
    mixture = skew(0.4)[1](GRID[30:-1:60])
    centre, offset, plus, minus = (part.numpy() for part in mixture)
    at, log_density = y.detach().numpy(), mixture.log_density(y)
    wanted = (norm.pdf(at, centre + offset, plus**0.5) + norm.pdf(at, centre - offset, minus**0.5)) / 2
    np.testing.assert_allclose(log_density.detach(), np.log(wanted), rtol=1e-12)
    (first,) = torch.autograd.grad(log_density.sum(), y, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), y)
    torch.testing.assert_close(mixture.slopes(y), (first, second), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("offset", [0.0, 0.4], ids=["gaussian", "skew"])
@pytest.mark.parametrize("charge", [0, 1])
def test_kernels_have_the_density_of_projected_mixtures(offset, charge):
    """The mean over the numbers that `t` is made of is the density; of Gaussians each of them gives it."""
    kernel, at = skew(offset)
    above = project(numbers(3, 1, V)) + TURN * charge / V
    below = above + 0.5 * project(numbers(4, 1, V))
    wanted = dense(at(above[0]), TURN * charge, below[0])
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    normal = torch.from_numpy(nodes)
    found = kernel.log_density(below.expand(60, V), above.expand(60, V), normal).exp().numpy()
    assert found @ weights / weights.sum() == pytest.approx(wanted, rel=1e-9)
    if not offset:
        np.testing.assert_allclose(found, wanted, rtol=1e-11)


def test_draws_of_kernels_have_the_density_that_they_say(judge):
    """⟨q(y)/q(y, t) ρ(t|y)⟩ = 1 with the dense density q(y)."""
    kernel, at = skew(0.4)
    above = project(numbers(3, 1, V)) + TURN / V
    mixture = at(above[0])

    def sampled(seed, size):
        normal, label = numbers(seed, 4000 * size, V), numbers(seed + 1, 4000 * size, V)
        total = torch.full((len(normal),), TURN, dtype=torch.float64)
        y, log_q = kernel.draw(above.expand(len(normal), V), total, normal, label)
        torch.testing.assert_close(y.sum(1), total)
        ratio = dense(mixture, TURN, y) / log_q.exp().numpy()
        return mean(ratio, 1.0)

    judge.check(sampled)


def test_a_kernel_of_gaussian_moments_is_the_conditional_gaussian():
    """Moments of y₀ ~ N(0, σ²) given y at a level give y_{i−1} given y_i, as the joint covariance has it."""
    width2, low, high = 1.3, 0.6, 1.1
    moments = PlaquetteMoments(
        GRID * width2 / (width2 + high**2), torch.full_like(GRID, width2 * high**2 / (width2 + high**2))
    )
    kernel = ReverseKernel.tabulated(GRID, moments, low, high)
    above = project(numbers(5, 7, V)) + TURN / V
    below = above + 0.4 * project(numbers(6, 7, V))
    small, large = width2 + low**2, width2 + high**2
    found = kernel.log_density(below, above, numbers(7, 7))
    for row in range(7):
        at, end = above[row].numpy() @ BASIS, below[row].numpy() @ BASIS
        wanted = multivariate_normal(at * small / large, (small - small**2 / large) * np.eye(V - 1)).logpdf(end)
        assert float(found[row]) == pytest.approx(wanted, rel=1e-10)
