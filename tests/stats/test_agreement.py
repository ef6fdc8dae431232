"""Chains that agree are said to, frozen ones are not; how far a mean is from Gaussian."""

import numpy as np
import pytest
from scipy.stats import f
from statistical import mean, spread

from sqcli.stats import agreement, estimate, tails
from sqcli.stats.special import f_p


@pytest.mark.parametrize("shape", [(1.3, 3, 10.0), (5.0, 4, 1000.0), (9.0, 1, 3.5), (0.2, 30, 60.0), (0.0, 2, 2.0)])
def test_snedecor(shape):
    assert f_p(*shape) == pytest.approx(f.sf(*shape), rel=1e-9)


@pytest.mark.parametrize(("chains", "draws", "tau"), [(4, 500, 2.0), (64, 40, 0.5), (8, 250, 4.0), (2, 1000, 5.0)])
def test_scores_of_chains_that_agree_are_standard(ar1, chains, draws, tau, judge):
    """Of a heavy-tailed series too."""

    def sample(seed, size):
        x = np.exp(2 * ar1(np.random.default_rng(seed), 100 * size * chains, draws, tau))
        z = np.array([agreement(list(rows)) for rows in x.reshape(100 * size, chains, draws)])
        return {"mean": mean(z, 0.0, tolerance=0.25), "spread": spread(z, 1.0, tolerance=0.1)}

    judge.check(sample)


def test_a_frozen_chain_disagrees(ar1, judge):
    def claim(seed, size):
        x = ar1(np.random.default_rng(seed), 4, 500, 1.0)
        x[2] += 1
        assert agreement(list(x)) > 8

    judge.twice(claim)
    assert agreement([np.full(5, 1.0), np.full(5, 2.0)]) > 8


def test_nothing_to_compare(ar1, rng):
    for chains in ([], [np.arange(9.0)], [np.ones(3), np.ones(4)], [np.ones(1), np.zeros(1)], [np.full(4, np.nan)] * 2):
        assert agreement(chains) is None
    assert agreement(list(ar1(rng, 4, 100, 20.0))) is None  # too short to know their errors


def test_tails():
    ratio, outlier = tails(np.array([3.0, -1.0, -1.0, -1.0]))
    assert ratio == pytest.approx(30 / 12**1.5)
    assert outlier == pytest.approx(0.75)
    assert tails(np.array([3.0, -1.0, -1.0, -1.0]) * 1e200)[0] == pytest.approx(ratio)


def test_tails_of_samples(judge):
    def claim(seed, size):
        x = np.random.default_rng(seed).normal(size=1000)
        tame, wild = (estimate([values])[0] for values in (x, np.exp(8 * x)))
        assert tame.lyapunov < 0.1
        assert wild.lyapunov > 0.3

    judge.twice(claim)
