"""Reverse kernels of links against dense matrices: covariance to second order, inverse, determinant."""

import pytest
import torch

from sqcli.diffusion.links.kernels import reverse_kernel
from sqcli.diffusion.links.lie import gauge_transformed, haar, haar_calls, move
from sqcli.diffusion.nets import LinkScore
from sqcli.lattice.geometry import Lattice
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1

LATTICE, STEP = Lattice((4, 2)), 1e-3
ONE = torch.ones((), dtype=torch.float64)


def flat(theory):
    """Links of plaquettes 1 in any gauge, angles any: second derivatives of the action are those of ½ b |F|² there."""
    random = torch.Generator().manual_seed(4)
    manifold = theory.manifold
    shape = (1, *manifold.tangent(LATTICE))
    numbers = [torch.randn(shape, generator=random, dtype=torch.float64) for _ in range(haar_calls(manifold))]
    links = haar(manifold, numbers)
    if isinstance(theory, U1):
        return links
    return gauge_transformed(manifold, torch.from_numpy(manifold.cold(LATTICE))[None], links[:, 0], LATTICE)


def stiffness(theory, links):
    if isinstance(theory, U1):
        one, other = links[:, :1], links[:, 1:]
        return theory.beta * torch.cos(one + other.roll(-1, 2) - one.roll(-1, 3) - other)
    return torch.full((1, 1, *LATTICE.extents), theory.beta / (2 * theory.n), dtype=torch.float64)


@pytest.mark.parametrize("theory", [U1(2.0), SUN(2, 3.0), SUN(3, 4.0)], ids=["u1", "su2", "su3"])
def test_kernels_are_right_to_second_order_and_known_exactly(theory):
    links, manifold = flat(theory), theory.manifold
    tangent = manifold.tangent(LATTICE)
    size = torch.Size(tangent).numel()
    units = torch.eye(size, dtype=torch.float64).reshape(size, *tangent)
    many = links.expand(size, *links.shape[1:])
    h = 1e-4
    ends = [theory.drift(move(manifold, many, sign * h * units), LATTICE) for sign in (1, -1)]
    hessian = -((ends[0] - ends[1]) / (2 * h)).reshape(size, size)
    bent = stiffness(theory, many)
    curvature = torch.cat([bent + bent.roll(1, 3), bent + bent.roll(1, 2)], 1)
    found = LinkScore(torch.zeros_like(units), curvature, bent)
    kernel = reverse_kernel(manifold, many, found, torch.tensor(STEP, dtype=torch.float64), ONE)
    lower = kernel.increment(units).reshape(size, size).T / STEP**0.5
    wanted = torch.eye(size, dtype=torch.float64) - STEP * hessian
    torch.testing.assert_close(lower @ lower.T, wanted, rtol=0, atol=40 * (STEP * float(bent.abs().max())) ** 2)
    torch.testing.assert_close(kernel.normal(kernel.increment(units)), units, rtol=0, atol=1e-12)
    constant = kernel.log_ratio(torch.zeros_like(units), torch.zeros_like(units))[0]
    torch.testing.assert_close(constant, -torch.linalg.slogdet(lower)[1], rtol=0, atol=1e-12)
