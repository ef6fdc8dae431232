"""Facts of synthetic data whose spectrum and slow mode are known exactly."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from sqcli.diffusion._fitting import fit
from sqcli.diffusion._modes import filtered, modes
from sqcli.diffusion._slow import SlowMode
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2

LATTICE = Lattice((8, 6))


def gaussian(n, spectrum, seed):
    normal = torch.randn(n, *LATTICE.extents, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return filtered(normal, torch.sqrt(spectrum), LATTICE.dimension)


def test_modes_are_orthogonal_and_their_own_inverse():
    field = gaussian(5, torch.ones(LATTICE.extents, dtype=torch.float64), 1)
    h = modes(field, 2)
    assert torch.allclose(modes(h, 2), field, atol=1e-13)
    assert torch.allclose((h**2).sum((1, 2)), (field**2).sum((1, 2)))


def test_spectrum_of_a_free_field():
    n, exact = 20000, 1 / (torch.from_numpy(phat2(LATTICE.extents)) + 0.5)
    facts = fit(gaussian(n, exact, 2), LATTICE, slow_mode=False)
    found = facts.spectrum(LATTICE, None)[0] * facts.scale**2
    pull = (found / exact - 1) * math.sqrt(n / 2)  # each mode alone would give this error; shared tables less
    assert pull.abs().max() < 4


def test_mass_that_depends_on_the_slow_mode():
    n, a, b = 40000, torch.from_numpy(phat2(LATTICE.extents)) + 0.3, 0.8
    generator = torch.Generator().manual_seed(3)
    m = torch.randn(n, dtype=torch.float64, generator=generator)
    h = torch.randn(n, *LATTICE.extents, dtype=torch.float64, generator=generator)
    h = h / torch.sqrt(a + b * (m**2)[:, None, None])
    h[:, 0, 0] = math.sqrt(LATTICE.volume) * m
    facts = fit(modes(h, 2), LATTICE, slow_mode=True)
    for value in (0.0, 1.0, 2.0):
        given = torch.tensor([value / facts.scale], dtype=torch.float64)
        found = facts.spectrum(LATTICE, given)[0] * facts.scale**2
        assert (found * (a + b * value**2) - 1)[1:, 1:].abs().max() < 0.02


def test_tables_serve_another_size():
    n, spectrum = 20000, 1 / (torch.from_numpy(phat2(LATTICE.extents)) + 0.5)
    facts = fit(gaussian(n, spectrum, 4), LATTICE, slow_mode=False)
    other = Lattice((5, 7))
    exact = 1 / (torch.from_numpy(phat2(other.extents)) + 0.5)
    assert (facts.spectrum(other, None)[0] * facts.scale**2 / exact - 1).abs().max() < 0.05


def quartic(m):
    return 3.0 * (m**2 - 0.8) ** 2


def quartic_draws(n, seed):
    grid = np.linspace(-3, 3, 400_001)
    cumulated = np.cumsum(np.exp(-quartic(grid)))
    draws = np.interp(np.random.default_rng(seed).random(n), cumulated / cumulated[-1], grid)
    return torch.from_numpy(draws)


def test_slow_mode_is_fitted():
    slow = SlowMode.fit(quartic_draws(200_000, 5), LATTICE.volume)
    z = quad(lambda m: math.exp(-quartic(m)), -4, 4)[0]
    m = torch.linspace(-1.4, 1.4, 57, dtype=torch.float64)
    exact = -quartic(m) - math.log(z) - 0.5 * math.log(LATTICE.volume)
    assert (slow.log_density(m, LATTICE.volume) - exact).abs().max() < 0.05


def test_slow_mode_density_is_that_of_its_draws():
    slow = SlowMode.fit(quartic_draws(20_000, 6), LATTICE.volume)
    n = 400_000
    m, log = slow.draw((torch.arange(n, dtype=torch.float64) + 0.5) / n, LATTICE.volume)
    assert torch.equal(log, slow.log_density(m, LATTICE.volume))
    for power in (2, 4):
        integrand = torch.exp(slow.grid(LATTICE.volume)[1])
        edges = slow.grid(LATTICE.volume)[0]
        cells = (edges[1:] ** (power + 1) - edges[:-1] ** (power + 1)) / (power + 1)
        assert float((m**power).mean()) == pytest.approx(float((integrand * cells).sum()), rel=1e-5)


def test_slow_mode_deep_in_a_double_well():
    m = 4.8 + 0.01 * torch.randn(5000, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    m = m * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(2500)
    slow = SlowMode.fit(m, LATTICE.volume)
    drawn, log = slow.draw(torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(8)), 48)
    assert abs(float(drawn.abs().mean()) - 4.8) < 4 * 0.01 * math.sqrt(1 / 5000 + 1 / 20_000)
    assert float(drawn.abs().std()) == pytest.approx(0.01, rel=0.06)
    assert abs(float(drawn.sign().mean())) < 4 / math.sqrt(20_000)
    assert torch.isfinite(log).all()
