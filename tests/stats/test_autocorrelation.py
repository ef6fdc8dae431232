import numpy as np
import pytest
from statistical import estimate, mean, spread, time

from sqcli.stats import autocorrelation


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0])
def test_known_time(ar1, tau, judge):
    r = (2 * tau - 1) / (2 * tau + 1)

    def sample(seed, size):
        a = autocorrelation(list(ar1(np.random.default_rng(seed), 4, size * 10_000, tau)))
        assert not a.flags
        assert a.ess == pytest.approx(size * 40_000 / (2 * a.tau_int), rel=0.05)
        rho = estimate(a.rho[1:], a.rho_error[1:], r ** np.arange(1, len(a.rho)))
        assert (a.tau_exp is None) == (tau == 0.5) or tau < 5
        found = {"tau_int": time(a.tau_int, a.tau_int_error, tau), "rho": rho}
        if tau >= 5:  # the spread of log τ_exp over seeds, from 60 of them
            error = (0.09 if tau == 5 else 0.22) / np.sqrt(size)
            found["tau_exp"] = estimate(np.log(-a.tau_exp * np.log(r)), error, 0.0, dof=10)
        return found

    judge.check(sample)


@pytest.mark.parametrize("tau", [0.5, 5.0, 50.0])
def test_error_of_the_time(ar1, tau, judge):
    draws = int(100 * tau)

    def sample(seed, size):
        x = ar1(np.random.default_rng(seed), 240 * size, draws, tau).reshape(60 * size, 4, draws)
        found = [autocorrelation(list(chains)) for chains in x]
        known = [(a.tau_int - tau) / a.tau_int_error for a in found if a.tau_int is not None]
        assert len(known) >= 0.9 * len(found)
        return {
            "spread": spread(known, 1.0, tolerance=0.25),
            "bias": mean(known, 0.0, tolerance=0.5),  # the window's truncation, a fraction of the error
        }

    judge.check(sample)


@pytest.mark.parametrize(("chains", "ratio"), [(1, 5), (4, 10), (16, 20), (64, 13), (256, 6), (64, 2)])
@pytest.mark.parametrize("tau", [5.0, 50.0])
def test_short_chains_say_nothing(ar1, chains, ratio, tau, judge):
    def claim(seed, size):
        a = autocorrelation(list(ar1(np.random.default_rng(seed), chains, int(ratio * tau), tau)))
        assert a.tau_int is None
        assert a.tau_int_error is None
        assert a.tau_exp is None
        assert "short_chains" in a.flags

    judge.twice(claim)


def test_fixed_window_and_tail(ar1, judge):
    def sample(seed, size):
        x = list(ar1(np.random.default_rng(seed), 2, 20_000 * size, 5.0))
        fixed = autocorrelation(x, window=100)
        assert fixed.window == 100
        plain = 0.5 + fixed.rho[1:101].sum()
        assert fixed.tau_int == pytest.approx(plain * (1 + 201 / (40_000 * size)), rel=1e-4)
        tail = autocorrelation(x, tau_exp=5.0)
        assert tail.tau_exp == 5.0
        return time(tail.tau_int, tail.tau_int_error, 5.0)

    judge.check(sample)


def test_rho_by_hand():
    x = np.random.default_rng(61).normal(size=(3, 200)).cumsum(axis=1)[:, ::10]
    d = x - x.mean()
    a = autocorrelation(list(x))
    by_hand = [(d[:, : 20 - t] * d[:, t:]).sum() / (60 - 3 * t) for t in range(len(a.rho))]
    assert np.allclose(a.rho, np.array(by_hand) / by_hand[0], atol=1e-12)


def test_rho_of_unequal_chains_by_hand():
    rng = np.random.default_rng(62)
    chains = [rng.normal(size=n) for n in (40, 25, 40, 3)]
    mean = np.concatenate(chains).mean()
    a = autocorrelation(chains, window=9)
    by_hand = []
    for t in range(10):
        pairs = [((c - mean)[: len(c) - t], (c - mean)[t:]) for c in chains if len(c) > t]
        by_hand.append(sum(p @ q for p, q in pairs) / sum(len(p) for p, _ in pairs))
    assert np.allclose(a.rho[:10], np.array(by_hand) / by_hand[0], atol=1e-12)


@pytest.mark.parametrize("tau", [0.3, 0.1])
def test_anticorrelated_series_goes_below_one_half(ar1, tau, judge):
    def sample(seed, size):
        a = autocorrelation(list(ar1(np.random.default_rng(seed), 4, 20_000 * size, tau)))
        assert a.tau_int_error < 0.2 * tau
        return time(a.tau_int, a.tau_int_error, tau)

    judge.check(sample)


def test_constant_and_empty():
    a = autocorrelation([np.ones(100)])
    assert (a.tau_int, a.tau_int_error, a.window, len(a.rho)) == (None, None, None, 0)
    assert a.flags == ("constant",)
    assert autocorrelation([np.zeros(0)]).flags == ("no_data",)


def test_complex_series_takes_the_slower_part(ar1):
    rng = np.random.default_rng(81)
    slow, fast = ar1(rng, 2, 10_000, 10.0), ar1(rng, 2, 10_000, 1.0)
    a = autocorrelation(list(fast + 1j * slow))
    assert a.tau_int == autocorrelation(list(slow)).tau_int


def test_windows_longer_than_what_is_shown(ar1, judge):
    """τ = 2000 over 6·10⁵ draws: the window passes the 4096 lags that are handed out."""

    def sample(seed, size):
        found = autocorrelation(list(ar1(np.random.default_rng(seed), 1, 600_000 * size, 2000.0)))
        assert found.window > len(found.rho) == len(found.rho_error) == 4096
        assert found.tau_exp is not None
        return time(found.tau_int, found.tau_int_error, 2000.0)

    judge.check(sample)
