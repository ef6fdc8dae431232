"""The C reference samples the theory that it claims to, a Gaussian field, and its forces are the theories' drifts."""

import ctypes
from typing import Any

import numpy as np
import pytest
from _gauge import CForce

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2
from sqcli.lattice.philox import Stream
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1

# lambda = 0: S = phi (2 kappa p^2 / 2 + 1 - 2 kappa D) phi, so <phi^2> = 1/V sum 1 / (2 (1 - 2 kappa D + kappa p^2))


@pytest.mark.parametrize(("dimension", "extent", "kappa"), [(2, 8, 0.2), (3, 4, 0.12)])
def test_free_field(reference: ctypes.CDLL, dimension: int, extent: int, kappa: float) -> None:
    blocks, updates = 40, 500
    field, sums = np.zeros(extent**dimension), np.zeros((blocks, 3))
    for block in range(-2, blocks):
        out = np.zeros(3)
        reference.hmc_run(
            field.ctypes.data, dimension, extent, kappa, 0.0, 8, 0.15, updates, 100 + block, out.ctypes.data
        )
        if block >= 0:
            sums[block] = out / updates
    exact = np.mean(1 / (2 * (1 - 2 * kappa * dimension + kappa * phat2((extent,) * dimension))))
    error = sums[:, 0].std(ddof=1) / np.sqrt(blocks)
    assert abs(sums[:, 0].mean() - exact) < 4 * error
    assert error < 0.01 * exact
    assert sums[:, 2].mean() > 0.9


def test_wolff_flips_signs_only(reference: ctypes.CDLL) -> None:
    start = np.random.default_rng(3).normal(size=16**2)
    field, stack = start.copy(), np.zeros(16**2, dtype=np.int32)
    flipped = reference.wolff_run(field.ctypes.data, 2, 16, 0.3, 50, 7, stack.ctypes.data)
    assert flipped >= 50
    np.testing.assert_array_equal(np.abs(field), np.abs(start))


def test_the_library_leaves_denormal_numbers_alone(reference: ctypes.CDLL) -> None:
    assert np.float64(1e-310) * np.float64(0.5) > 0


@pytest.mark.parametrize(("theory", "extents"), [(U1(1.3), (5, 5)), (SUN(2, 2.3), (3,) * 4), (SUN(3, 5.5), (3,) * 4)])
def test_gauge_forces(reference: ctypes.CDLL, theory: Any, extents: tuple[int, ...]) -> None:
    lattice, manifold = Lattice(extents), theory.manifold
    links = manifold.hot(lattice, Stream(1, 0))
    force, drift = CForce(reference, links, theory.beta), theory.drift(links[None], lattice)[0]
    force()
    if manifold.name == "U(1)":
        expected = drift
    elif theory.n == 2:
        expected = np.moveaxis(drift, (0, 1), (4, 5))
    else:
        algebra = np.einsum("ma...,aij->...mij", drift, 1j * manifold.generators)
        expected = np.ascontiguousarray(algebra).view(float)
    np.testing.assert_allclose(force.force, expected, atol=1e-13)
