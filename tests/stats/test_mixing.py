import warnings

import numpy as np
import pytest

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


def test_rhat_sees_other_scale_and_other_place(ar1):
    x = ar1(np.random.default_rng(2), 4, 20_000, 1.0)
    assert rhat(list(x)) < 1.01
    assert rhat([x[0], x[1], x[2], x[3] + 1]) > 1.05
    assert rhat([x[0], x[1], x[2], 3 * x[3]]) > 1.05
    assert rhat([np.linspace(0, 1, 100)]) > 1.5
    assert rhat([np.ones(10)]) is None
    assert rhat([np.ones(1)] * 50) is None


def test_thinned_rhat_is_close(ar1):
    x = ar1(np.random.default_rng(3), 4, 40_000, 5.0)
    x[0] += 0.5
    whole = estimate(list(x))[0].rhat
    part = rhat(list(x[:, ::10]))
    assert whole == pytest.approx(part, abs=0.003)


@pytest.mark.parametrize(("chains", "draws", "tau"), [(1, 1000, 5.0), (4, 1000, 50.0), (64, 64, 5.0), (256, 32, 0.5)])
def test_stationary_chains_raise_no_alarm(ar1, chains, draws, tau):
    # 150 repetitions: an alarm at |z| > 4 would come once in a hundred runs of this test at most
    x = ar1(np.random.default_rng(4), 150 * chains, draws, tau).reshape(150, chains, draws)
    z = np.array([start_memory(list(sample)) for sample in x])
    assert np.abs(z).max() < 4
    assert np.mean(np.abs(z) > 2) < 0.1
    if draws > 25 * tau:
        assert not any("not_mixed" in estimate(list(sample))[0].flags for sample in x[:50])


@pytest.mark.parametrize(("chains", "draws", "tau"), [(4, 1000, 5.0), (4, 1000, 50.0), (16, 100, 5.0), (256, 32, 5.0)])
def test_hot_start_is_seen(ar1, chains, draws, tau):
    x = ar1(np.random.default_rng(5), chains, draws, tau) + 8 * np.exp(-np.arange(draws) / tau)
    assert start_memory(list(x)) > 4
    assert "start_memory" in estimate(list(x))[0].flags
    assert start_memory(list(-x)) < -4


def test_start_of_a_frozen_chain():
    x = np.ones(100)
    assert start_memory([x]) is None
    x[0] = 5.0
    assert start_memory([x]) > 4
    assert start_memory([np.ones(3)]) is None
    assert start_memory([]) is None
