"""Multiplication in Fourier space against numpy.fft, for extents of every kind."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sqcli.lattice.hartley.plan import Plan, multiply
from sqcli.lattice.momentum import modes, phat2

LINES = [(n,) for n in (*range(1, 13), 16, 20, 24, 30, 32, 48, 64, 96)]
PLANES = [(8, 8), (16, 16), (32, 32), (12, 20), (7, 9), (1, 8), (6, 2), (3, 17), (64, 8), (9, 40), (24, 16)]
BOXES = [
    (4, 4, 4),
    (8, 1, 4),
    (3, 4, 5),
    (16, 8, 12),
    (2, 30, 3),
    (4, 4, 4, 4),
    (2, 3, 4, 5),
    (6, 8, 2, 10),
    (2, 2, 3, 2, 4),
]


def apply(field: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    plan = Plan(field.shape)
    result = field.flatten()
    multiply(result, plan.permuted(kernel), *plan.tables, plan.scratch())
    return result.reshape(field.shape)


def random_case(extents: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A field, and a kernel that is even in each component of k but depends on each in its own way."""
    rng = np.random.default_rng(sum(extents))
    kernel = np.ones(extents)
    for axis, k in enumerate(modes(extents)):
        kernel = kernel * (1.5 + rng.normal() * np.cos(k)) + (axis + 1) * np.cos(2 * k)
    return rng.normal(size=extents), kernel


@pytest.mark.parametrize("extents", LINES + PLANES + BOXES, ids=str)
def test_equals_the_fourier_transform(extents: tuple[int, ...]) -> None:
    field, kernel = random_case(extents)
    expected = np.fft.ifftn(np.fft.fftn(field) * kernel).real
    assert np.abs(apply(field, kernel) - expected).max() <= 1e-12 * max(1.0, np.abs(kernel).max())


@pytest.mark.parametrize("extents", [(32, 32), (12, 20), (5, 6, 7), (8, 8, 8, 8)], ids=str)
def test_kernel_one_is_the_identity(extents: tuple[int, ...]) -> None:
    field, _ = random_case(extents)
    np.testing.assert_allclose(apply(field, np.ones(extents)), field, rtol=0, atol=1e-13)


@pytest.mark.parametrize("extents", [(16, 16), (6, 10), (4, 3, 8)], ids=str)
def test_is_linear_and_symmetric(extents: tuple[int, ...]) -> None:
    f, kernel = random_case(extents)
    g = np.random.default_rng(0).normal(size=extents)
    np.testing.assert_allclose(apply(2 * f - 3 * g, kernel), 2 * apply(f, kernel) - 3 * apply(g, kernel), atol=1e-12)
    assert math.isclose(np.vdot(g, apply(f, kernel)), np.vdot(apply(g, kernel), f), rel_tol=1e-11, abs_tol=1e-11)


@pytest.mark.parametrize("extents", [(32, 32), (7, 12), (4, 6, 8)], ids=str)
def test_phat2_is_minus_the_laplacian(extents: tuple[int, ...]) -> None:
    field, _ = random_case(extents)
    laplacian = sum(np.roll(field, step, axis) - field for axis in range(len(extents)) for step in (1, -1))
    np.testing.assert_allclose(apply(field, phat2(extents)), -np.asarray(laplacian), rtol=0, atol=1e-12)


@pytest.mark.parametrize("extents", [(32, 32), (7, 12), (5, 5, 5)], ids=str)
def test_bitwise_reproducible_whatever_the_scratch_and_the_alignment(extents: tuple[int, ...]) -> None:
    field, kernel = random_case(extents)
    plan = Plan(extents)
    first = apply(field, kernel)
    for shift in range(8):
        memory = np.full(plan.volume + 8, np.nan)
        moved = memory[shift : shift + plan.volume]
        moved[:] = field.ravel()
        multiply(moved, plan.permuted(kernel), *plan.tables, np.full_like(plan.scratch(), np.nan))
        assert np.array_equal(moved.reshape(extents), first)
        assert np.isnan(memory[:shift]).all()
        assert np.isnan(memory[shift + plan.volume :]).all()


def test_modes_follow_numpy() -> None:
    k = modes((4, 3))
    np.testing.assert_allclose(k[0, :, 0], 2 * np.pi * np.array([0, 1, -2, -1]) / 4)
    np.testing.assert_allclose(k[1, 0, :], 2 * np.pi * np.array([0, 1, -1]) / 3)
