"""Reweighting: importance sampling between Gaussians, where every answer is known."""

import numpy as np
import pytest
from statistical import mean, spread

from sqcli import stats
from sqcli.stats import flags


def draws(rng, shape, width):
    """x ~ N(0, width²) and log weights towards N(0, 1), with an offset that must not matter."""
    x = width * rng.standard_normal(shape)
    return x, -0.5 * x**2 * (1 - 1 / width**2) + 1234.5


@pytest.mark.parametrize("width", [0.95, 1.3])
@pytest.mark.parametrize("chains", [1, 4])
def test_pulls_of_weighted_estimates_have_unit_variance(width, chains, judge):
    """⟨x²⟩ = 1 and ⟨x⁴⟩/⟨x²⟩² = 3 from the wrong Gaussian; the ratio's bias is of order 1/N."""

    def pulls(rng):
        x, log_weight = draws(rng, (chains, 2000 // chains), width)
        weights = stats.relative_weights(list(log_weight))
        y = stats.reweighted([np.stack([c**2, c**4], axis=1) for c in x], weights)
        square = stats.estimate([c[:, 0] for c in y])[0]
        ratio = stats.estimate(y, lambda m: m[1] / m[0] ** 2)[0]
        return (square.value, ratio.value), ((square.value - 1) / square.error, (ratio.value - 3) / ratio.error)

    def sample(seed, size):
        rng = np.random.default_rng(seed)
        values, found = np.array([pulls(rng) for _ in range(250 * size)]).transpose(1, 0, 2)
        return {
            "values": mean(values, np.array([1.0, 3.0]), tolerance=np.array([0.0, 0.04])),
            "pulls": spread(found, 1.0, tolerance=0.1),
        }

    judge.check(sample)


def test_value_is_the_ratio_of_sums(rng):
    x, log_weight = draws(rng, (3, 50), 1.5)
    y = stats.reweighted(list(x + 1j * x**3), stats.relative_weights(list(log_weight)))
    w = np.exp(log_weight - log_weight.max())
    expected = (w * (x + 1j * x**3)).sum() / w.sum()
    assert stats.estimate(y)[0].value == pytest.approx(expected, rel=1e-12)


def test_equal_weights_change_nothing(rng):
    chains = [rng.standard_normal(50), rng.standard_normal(70)]
    weights = stats.relative_weights([np.full(50, -7e4), np.full(70, -7e4)])
    for plain, y in zip(chains, stats.reweighted(chains, weights), strict=True):
        np.testing.assert_allclose(y, plain, rtol=1e-13, atol=1e-15)
    assert stats.kish_ess(weights) == pytest.approx(120)


def test_draws_of_nan_weight_do_not_count():
    weights = stats.relative_weights([np.array([0.0, np.nan, -np.inf, 0.0])])
    np.testing.assert_array_equal(weights[0], [2, 0, 0, 2])
    y = stats.reweighted([np.array([1.0, np.nan, np.inf, 3.0])], weights)
    assert stats.estimate(y)[0].value == 2.0


@pytest.mark.parametrize("logs", [[np.nan, np.nan, -np.inf, np.nan], [np.inf, 0.0, 0.0, 0.0]])
def test_no_usable_weight_is_said(logs):
    weights = stats.relative_weights([np.array(logs)])
    estimate = stats.estimate(stats.reweighted([np.arange(4.0)], weights))[0]
    assert estimate.value is None
    assert flags.NOT_FINITE in estimate.flags
    assert stats.carried_by_few(weights)


@pytest.mark.parametrize(
    ("weights", "few"),
    [
        (np.ones(100), False),
        (np.ones(99), True),  # fewer than 100 draws in effect
        (np.r_[np.ones(1000), 200.0], True),  # one carries a sixth
        (np.r_[np.ones(101), np.zeros(20000)], True),  # half a per cent of the draws
    ],
)
def test_few_draws_that_carry_the_weight(weights, few):
    assert stats.carried_by_few([weights]) == few
