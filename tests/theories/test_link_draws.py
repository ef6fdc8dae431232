"""Phases and quaternions with the density e^{κ cos}: moments against Bessel functions, from κ < 0 to κ ≫ 1."""

import numpy as np
import pytest
from scipy.special import ive
from statistical import mean

from sqcli.lattice.jit import kernel
from sqcli.lattice.philox import LINK, Stream
from sqcli.lattice.xoshiro import seeded
from sqcli.theories._link_draws import STRONG, phase, quaternion

KAPPAS = [0.0, 1e-9, 0.3, -0.3, STRONG - 1e-3, STRONG, 2.0, -2.0, 15.0, -40.0, 1e4]


@kernel("void(float64[:, ::1], float64, boolean, uint64[::1])")
def fill(out, kappa, circle, key):
    """Fill rows with phases, or with quaternions."""
    s = seeded(np.uint64(0), LINK, key)
    for row in out:
        if circle:
            row[0], row[1] = phase(kappa, s)
        else:
            row[0], row[1], row[2], row[3] = quaternion(kappa, s)


def drawn(kappa, columns, seed, count):
    """Rows of unit length."""
    out = np.empty((count, columns))
    fill("float64")(out, kappa, columns == 2, Stream(seed, 0).key)
    np.testing.assert_allclose((out**2).sum(axis=1), 1, rtol=0, atol=1e-13)
    return out


@pytest.mark.parametrize("kappa", KAPPAS)
def test_phases(kappa, judge):
    """⟨cos nα⟩ = I_n/I_0."""

    def sample(seed, size):
        x = drawn(kappa, 2, seed, 40_000 * size)
        angle, n, k = np.arctan2(x[:, 1], x[:, 0]), np.arange(1, 5), abs(kappa)
        cosines = (np.sign(kappa) or 1.0) ** n * ive(n, k) / ive(0, k)
        return {
            "cosines": mean(np.cos(n * angle[:, None]), cosines),
            "sines": mean(np.sin(n * angle[:, None]), 0),
            "width": mean((1 - np.sign(kappa) * x[:, 0]) * (1 + k), (1 + k) * (1 - ive(1, k) / ive(0, k))),
        }

    judge.check(sample)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_quaternions(kappa, judge):
    """⟨χ_j⟩/(2j + 1) = I_{2j+1}/I_1 of SU(2), χ_j = sin((2j + 1)α)/sin α, h₀ = cos α; any direction is as likely."""

    def sample(seed, size):
        x = drawn(kappa, 4, seed, 40_000 * size)
        angle, n, k = np.arccos(np.clip(x[:, :1], -1, 1)), np.arange(2, 5), abs(kappa)
        ratios = ive(n, k) / ive(1, k) if k else np.zeros(3)
        flat = x[:, 1:] / np.sqrt((x[:, 1:] ** 2).sum(axis=1, keepdims=True))
        return {
            "characters": mean(np.sin(n * angle) / np.sin(angle) / n, np.sign(kappa) ** (n - 1) * ratios),
            "width": mean((1 - np.sign(kappa) * x[:, 0]) * (1 + k), (1 + k) * (1 - ratios[0])),
            "directions": mean(flat, 0),
            "second": mean(flat[:, :, None] * flat[:, None, :], np.eye(3) / 3),
            "with": mean(flat * x[:, :1], 0),
        }

    judge.check(sample)
