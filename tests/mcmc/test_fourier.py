"""Momenta with a mass for every wave length: their kinetic energy, also of trajectories that run away."""

import numpy as np
import pytest

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2
from sqcli.mcmc._fourier import Metric, kinetic


def energy(p, lattice, mass):
    inverse, _, *tables = Metric(lattice, mass).tables()
    return kinetic(p, inverse, *tables, 1)


@pytest.mark.parametrize("extents", [(3,), (4, 6), (2, 3, 5)], ids=str)
def test_kinetic_energy_is_that_of_the_modes(extents, rng):
    lattice, p = Lattice(extents), rng.standard_normal(extents)
    expected = 0.5 * (np.abs(np.fft.fftn(p)) ** 2 / (phat2(extents) + 0.7)).mean()
    assert energy(p.ravel(), lattice, 0.7) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [1e120, 1e150, 1e153, 1e154, 1e155, 1e160, 1e200, 1e307])
def test_kinetic_energy_is_never_negative(scale, rng):
    """Negative terms alone overflowing made it −∞, and the trajectory was accepted."""
    lattice = Lattice((3,))
    for _ in range(500):
        p = scale * rng.standard_normal(3) * 10 ** rng.uniform(-60, 0, 3)
        assert energy(p, lattice, 4.0) >= 0
