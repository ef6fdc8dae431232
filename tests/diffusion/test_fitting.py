"""Mode statistics of synthetic data whose spectrum and slow mode are known exactly."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from statistical import count, estimate, mean, spread

from sqcli.diffusion.models.fitting import fit
from sqcli.diffusion.modes import filtered, modes
from sqcli.diffusion.process.magnetisation import SlowMode
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


def test_spectrum_of_a_free_field(judge):
    exact = 1 / (torch.from_numpy(phat2(LATTICE.extents)) + 0.5)

    def sample(seed, size):
        n = 20_000 * size
        statistics = fit(gaussian(n, exact, seed), LATTICE, slow_mode=False)
        found = statistics.spectrum(LATTICE, None)[0] * statistics.scale**2
        return estimate(found / exact, math.sqrt(2 / n), 1.0)  # of each mode alone; of shared tables less

    judge.check(sample)


def test_mass_that_depends_on_the_slow_mode(judge):
    a, b = torch.from_numpy(phat2(LATTICE.extents)) + 0.3, 0.8

    def sample(seed, size):
        n, generator = 40_000 * size, torch.Generator().manual_seed(seed)
        m = torch.randn(n, dtype=torch.float64, generator=generator)
        h = torch.randn(n, *LATTICE.extents, dtype=torch.float64, generator=generator)
        h = h / torch.sqrt(a + b * (m**2)[:, None, None])
        h[:, 0, 0] = math.sqrt(LATTICE.volume) * m
        statistics = fit(modes(h, 2), LATTICE, slow_mode=True)
        found = []
        for value in (0.0, 1.0, 2.0):
            given = torch.tensor([value / statistics.scale], dtype=torch.float64)
            found.append((statistics.spectrum(LATTICE, given)[0] * statistics.scale**2 * (a + b * value**2))[1:, 1:])
        return estimate(torch.stack(found).numpy(), 1.7 / math.sqrt(n), 1.0)  # as over seeds

    judge.check(sample)


def test_tables_serve_another_size(judge):
    spectrum, other = 1 / (torch.from_numpy(phat2(LATTICE.extents)) + 0.5), Lattice((5, 7))
    exact = 1 / (torch.from_numpy(phat2(other.extents)) + 0.5)

    def sample(seed, size):
        n = 20_000 * size
        statistics = fit(gaussian(n, spectrum, seed), LATTICE, slow_mode=False)
        found = statistics.spectrum(other, None)[0] * statistics.scale**2 / exact
        return estimate(found, math.sqrt(2 / n), 1.0, tolerance=0.002)  # interpolated

    judge.check(sample)


def quartic(m):
    return 3.0 * (m**2 - 0.8) ** 2


def quartic_draws(n, seed):
    grid = np.linspace(-3, 3, 400_001)
    cumulated = np.cumsum(np.exp(-quartic(grid)))
    draws = np.interp(np.random.default_rng(seed).random(n), cumulated / cumulated[-1], grid)
    return torch.from_numpy(draws)


def test_slow_mode_is_fitted(judge):
    z = quad(lambda m: math.exp(-quartic(m)), -4, 4)[0]
    m = torch.linspace(-1.4, 1.4, 57, dtype=torch.float64)
    exact = -quartic(m) - math.log(z) - 0.5 * math.log(LATTICE.volume)

    def claim(seed, size):
        slow = SlowMode.fit(quartic_draws(200_000, seed), LATTICE.volume)
        assert (slow.log_density(m, LATTICE.volume) - exact).abs().max() < 0.05

    judge.twice(claim)


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


def test_slow_mode_deep_in_a_double_well(judge):
    def sample(seed, size):
        generator, n, draws = torch.Generator().manual_seed(seed), 5000 * size, 20_000 * size
        m = 4.8 + 0.01 * torch.randn(n, dtype=torch.float64, generator=generator)
        m = m * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(n // 2)
        slow = SlowMode.fit(m, LATTICE.volume)
        drawn, log = slow.draw(torch.rand(draws, dtype=torch.float64, generator=generator), 48)
        assert torch.isfinite(log).all()
        place, width = mean(drawn.abs()), spread(drawn.abs())
        fitted = math.sqrt(1 + draws / n)  # the fit's own error adds to that of the draws
        return {
            "place": estimate(place.value, place.error * fitted, 4.8),
            "width": estimate(width.value, width.error * fitted, 0.01, tolerance=3e-4),
            "sign": count(int((drawn > 0).sum()), draws, 0.5),
        }

    judge.check(sample)


def test_the_slow_mode_has_no_density_far_from_the_data():
    """Of few data some polynomials rise, beyond all of them, and fall again: such a fit once drew nothing but those."""
    for seed in range(80):
        random = torch.Generator().manual_seed(seed)
        m = torch.randn(600, dtype=torch.float64, generator=random)
        drawn, _ = SlowMode.fit(m, LATTICE.volume).draw(
            torch.rand(999, dtype=torch.float64, generator=random), LATTICE.volume
        )
        assert drawn.abs().max() < 2 * m.abs().max()
