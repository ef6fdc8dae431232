import numpy as np
import pytest

from sqcli.stats import autocorrelation


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0])
def test_known_time(ar1, tau):
    x = ar1(np.random.default_rng(int(10 * tau)), 4, 10_000, tau)
    a = autocorrelation(list(x))
    assert abs(a.tau_int - tau) < 3 * a.tau_int_error
    assert not a.flags
    assert a.ess == pytest.approx(40_000 / (2 * a.tau_int), rel=0.05)
    r = (2 * tau - 1) / (2 * tau + 1)
    deviation = (a.rho - r ** np.arange(len(a.rho)))[1:] / a.rho_error[1:]
    assert np.abs(deviation).max() < 4.5
    if tau == 0.5:
        assert a.tau_exp is None
    if tau >= 5:  # known to 10 % at τ = 5, to 35 % at τ = 50
        assert a.tau_exp == pytest.approx(-1 / np.log(r), rel=0.4 if tau > 20 else 0.25)


@pytest.mark.parametrize("tau", [0.5, 5.0, 50.0])
def test_error_of_the_time(ar1, tau):
    # chains of 100 τ, 60 repetitions: the spread of the pulls is known to 9 %
    draws = int(100 * tau)
    x = ar1(np.random.default_rng(31), 240, draws, tau).reshape(60, 4, draws)
    found = [autocorrelation(list(sample)) for sample in x]
    known = [(a.tau_int - tau) / a.tau_int_error for a in found if a.tau_int is not None]
    assert len(known) >= 58
    assert 0.6 < np.std(known) < 1.45
    assert abs(np.mean(known)) < 0.8  # the window's truncation bias, a fraction of the error


@pytest.mark.parametrize(("chains", "ratio"), [(1, 5), (4, 10), (16, 20), (64, 13), (256, 6), (64, 2)])
@pytest.mark.parametrize("tau", [5.0, 50.0])
def test_short_chains_say_nothing(ar1, chains, ratio, tau):
    x = ar1(np.random.default_rng(41), chains, int(ratio * tau), tau)
    a = autocorrelation(list(x))
    assert a.tau_int is None
    assert a.tau_int_error is None
    assert a.tau_exp is None
    assert "short_chains" in a.flags


def test_fixed_window_and_tail(ar1):
    x = list(ar1(np.random.default_rng(51), 2, 20_000, 5.0))
    fixed = autocorrelation(x, window=100)
    assert fixed.window == 100
    plain = 0.5 + fixed.rho[1:101].sum()
    assert fixed.tau_int == pytest.approx(plain * (1 + 201 / 40_000), rel=1e-4)
    tail = autocorrelation(x, tau_exp=5.0)
    assert tail.tau_exp == 5.0
    assert abs(tail.tau_int - 5) < 4 * tail.tau_int_error


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


def test_anticorrelated_series_goes_below_one_half(ar1):
    for tau in (0.3, 0.1):
        a = autocorrelation(list(ar1(np.random.default_rng(71), 4, 20_000, tau)))
        assert abs(a.tau_int - tau) < 4 * a.tau_int_error
        assert a.tau_int_error < 0.2 * tau


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


def test_windows_longer_than_what_is_shown(ar1, rng):
    """τ = 1000 over 4·10⁵ draws: the window passes the 4096 lags that are handed out."""
    found = autocorrelation(list(ar1(rng, 1, 400_000, 1000.0)))
    assert found.window > len(found.rho) == len(found.rho_error) == 4096
    assert abs(found.tau_int - 1000) < 4 * found.tau_int_error
    assert found.tau_exp is not None
