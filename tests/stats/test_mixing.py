import warnings

import numpy as np
import pytest
from statistical import mean, spread

from sqcli.stats import estimate, rhat, start_memory


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_rhat_agrees_with_arviz(ar1, shift):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from arviz_stats.base import array_stats
    x = ar1(np.random.default_rng(1), 4, 600, 3.0)
    x[2] = 2 * x[2] + shift
    assert rhat(list(x)) == pytest.approx(float(array_stats.rhat(x, method="rank")), rel=1e-8)
    steps = np.round(x)  # ties
    assert rhat(list(steps)) == pytest.approx(float(array_stats.rhat(steps, method="rank")), rel=1e-8)


def test_rhat_sees_other_scale_and_other_place(ar1, judge):
    def claim(seed, size):
        x = ar1(np.random.default_rng(seed), 4, 20_000, 1.0)
        assert rhat(list(x)) < 1.01
        assert rhat([x[0], x[1], x[2], x[3] + 1]) > 1.05
        assert rhat([x[0], x[1], x[2], 3 * x[3]]) > 1.05

    judge.twice(claim)


def test_rhat_of_special_series():
    assert rhat([np.linspace(0, 1, 100)]) > 1.5
    assert rhat([np.ones(10)]) is None
    assert rhat([np.ones(1)] * 50) is None


def test_thinned_rhat_is_close(ar1, judge):
    def claim(seed, size):
        x = ar1(np.random.default_rng(seed), 4, 40_000, 5.0)
        x[0] += 0.5
        whole = estimate(list(x))[0].rhat
        assert whole == pytest.approx(rhat(list(x[:, ::10])), abs=0.004)

    judge.twice(claim)


@pytest.mark.parametrize(("chains", "draws", "tau"), [(1, 1000, 5.0), (4, 1000, 50.0), (64, 64, 5.0), (256, 32, 0.5)])
def test_stationary_chains_raise_no_alarm(ar1, chains, draws, tau, judge):
    def sample(seed, size):
        x = ar1(np.random.default_rng(seed), 150 * size * chains, draws, tau).reshape(150 * size, chains, draws)
        z = np.array([start_memory(list(rows)) for rows in x])
        alarms = [draws > 25 * tau and "not_mixed" in estimate(list(rows))[0].flags for rows in x[:50]]
        return {
            "centre": mean(z, 0.0),
            "spread": spread(z, at_most=1.1, centre=0.0),  # below 1 where chains are short: no alarm
            "beyond 2": mean(np.abs(z) > 2, at_most=0.07),
            "not mixed": mean(alarms, at_most=0.01),
        }

    judge.check(sample)


@pytest.mark.parametrize(("chains", "draws", "tau"), [(4, 1000, 5.0), (4, 1000, 50.0), (16, 100, 5.0), (256, 32, 5.0)])
def test_hot_start_is_seen(ar1, chains, draws, tau, judge):
    def claim(seed, size):
        x = ar1(np.random.default_rng(seed), chains, draws, tau) + 8 * np.exp(-np.arange(draws) / tau)
        assert start_memory(list(x)) > 4
        assert "start_memory" in estimate(list(x))[0].flags
        assert start_memory(list(-x)) < -4

    judge.twice(claim)


def test_start_of_a_frozen_chain():
    x = np.ones(100)
    assert start_memory([x]) is None
    x[0] = 5.0
    assert start_memory([x]) > 4
    assert start_memory([np.ones(3)]) is None
    assert start_memory([]) is None
