import warnings

import numpy as np
import pytest
from statistical import mean, ratio, spread

from sqcli.errors import SqcliError, UsageError
from sqcli.stats import FLAGS, estimate

pytestmark = pytest.mark.filterwarnings("error")


def binder(m):
    return 1 - m[1] / (3 * m[0] ** 2)


def coverage(ar1, seed, chains, draws, repetitions):
    """Which error bars hold the true mean 0, of AR(1) at τ = 5."""
    x = ar1(np.random.default_rng(seed), chains * repetitions, draws, 5.0).reshape(repetitions, chains, draws)
    found = [estimate(list(sample))[0] for sample in x]
    return [abs(e.value) < e.error for e in found], {e.error_method for e in found}


SHAPES = [(4, 1000, "gamma"), (64, 64, "between_chains"), (256, 32, "between_chains")]
REPETITIONS = [400, pytest.param(4000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("repetitions", REPETITIONS)
@pytest.mark.parametrize(("chains", "draws", "method"), SHAPES)
def test_error_bars_cover(ar1, chains, draws, method, repetitions, judge):
    def sample(seed, size):
        covered, methods = coverage(ar1, seed, chains, draws, repetitions * size)
        assert method in methods
        return mean(covered, 0.683, tolerance=0.015)

    judge.check(sample)


@pytest.mark.parametrize("s", [1.5, 2.0])
@pytest.mark.parametrize("tau", [2.0, 10.0])
def test_one_replica_agrees_with_pyerrors(ar1, s, tau):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyerrors
    x = ar1(np.random.default_rng(3), 1, 20_000, tau)[0] + 1.0
    with np.errstate(all="ignore"):
        obs = pyerrors.Obs([x], ["a"])
        obs.gamma_method(S=s)
        square = obs**2
        square.gamma_method(S=s)
    e = estimate([x], s=s)[0]
    assert e.value == np.mean(x)
    assert e.error == pytest.approx(obs.dvalue, rel=1e-8)
    assert e.tau_int == pytest.approx(obs.e_tauint["a"], rel=1e-8)
    assert e.tau_int_error == pytest.approx(obs.e_dtauint["a"], rel=1e-8)
    assert e.window == obs.e_windowsize["a"]
    derived = estimate([x], lambda m: m**2, s=s)[0]
    assert derived.error == pytest.approx(square.dvalue, rel=1e-8)


def test_tail_agrees_with_pyerrors(ar1):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyerrors
    x = ar1(np.random.default_rng(5), 1, 40_000, 10.0)[0]
    with np.errstate(all="ignore"):
        obs = pyerrors.Obs([x], ["a"])
        obs.gamma_method(tau_exp=10.0)
    # the window depends on δρ, whose sum is cut differently: a few lags around 6 τ
    assert estimate([x], tau_exp=10.0)[0].error == pytest.approx(obs.dvalue, rel=0.02)


def test_derived_quantity_against_brute_force(ar1, judge):
    """Mean squared errors are the variance of the values; a chain of 1000 knows a little less of its own."""

    def sample(seed, size):
        x = ar1(np.random.default_rng(seed), 3200 * size, 1000, 3.0).reshape(800 * size, 4, 1000)
        primaries = np.stack([x**2, x**4], axis=-1)
        found = [estimate(list(chains), binder)[0] for chains in primaries]
        values = np.array([e.value for e in found])
        squares = (values - values.mean()) ** 2
        return {
            "gamma": ratio([e.error**2 for e in found], squares, 1.0, tolerance=0.04),
            "between": ratio([e.between_chains_error**2 for e in found], squares, 1.0, tolerance=0.04),
        }

    judge.check(sample)


def test_a_stuck_chain_is_flagged_and_counted(ar1, judge):
    def claim(seed, size):
        x = ar1(np.random.default_rng(seed), 4, 2000, 5.0)
        x[0] = 2 + 0.1 * x[0]
        e = estimate(list(x))[0]
        assert "not_mixed" in e.flags
        assert e.tau_int is None
        assert abs(e.value) < 2 * e.error

    judge.twice(claim)


def test_a_pinned_chain_is_flagged():
    pinned = estimate([np.full(100, 1.0), np.full(100, 2.0)])[0]
    assert "not_mixed" in pinned.flags
    assert pinned.error == pytest.approx(0.5)


def test_a_slightly_displaced_chain_is_inconsistent(ar1, judge):
    def claim(seed, size):
        # R̂ stays near 1 while the displaced chain's mean is 10 of its own errors away
        x = ar1(np.random.default_rng(seed), 4, 2000, 5.0)
        x[3] += 0.7
        e = estimate(list(x))[0]
        assert "replica_inconsistent" in e.flags
        assert e.q_value < 1e-3
        assert e.error_method == "between_chains"
        assert e.rhat < 1.15

    judge.twice(claim)


def test_frozen_sectors_give_an_honest_error(judge):
    """Each chain sits in a sector ±1 for ever; the mean's true error is 1/√R."""

    def sample(seed, size):
        rng, pulls = np.random.default_rng(seed), []
        for _ in range(200 * size):
            sector = rng.choice([-1.0, 1.0], size=(32, 1))
            e = estimate(list(sector + 0.3 * rng.normal(size=(32, 100))))[0]
            pulls.append(e.value / e.error)
        return spread(pulls, 1.0, centre=0.0, tolerance=0.05)

    judge.check(sample)


def test_value_is_the_mean_exactly(ar1):
    x = ar1(np.random.default_rng(1), 4, 500, 2.0)
    assert estimate(list(x))[0].value == np.mean(x)
    both = estimate(list(np.stack([x, x**2], axis=-1)), lambda m: m[1] - m[0] ** 2)[0]
    assert both.value == np.mean(x**2) - np.mean(x) ** 2


def test_linear_combination_equals_its_own_series(ar1):
    rng = np.random.default_rng(8)
    x, y = ar1(rng, 4, 2000, 4.0), ar1(rng, 4, 2000, 1.0)
    derived = estimate(list(np.stack([x, y], axis=-1)), lambda m: 3 * m[0] - 2 * m[1] + 1)[0]
    plain = estimate(list(3 * x - 2 * y))[0]
    assert derived.error == pytest.approx(plain.error, rel=1e-7)
    assert derived.between_chains_error == pytest.approx(plain.between_chains_error, rel=1e-7)
    assert derived.tau_int == pytest.approx(plain.tau_int, rel=1e-6)


def test_chains_of_unequal_length(ar1, judge):
    def sample(seed, size):
        pulls, scattered = [], []
        for a, b, c in ar1(np.random.default_rng(seed), 900 * size, 2000, 2.0).reshape(300 * size, 3, 2000):
            e = estimate([a, b[:700], c[:300], np.zeros(0)])[0]
            pulls.append(e.value / e.error)
            scattered.append(e.between_chains_error**2)
        return {
            "pulls": spread(pulls, 1.0, centre=0.0, tolerance=0.05),
            "between chains": mean(scattered, 4 / 3000, tolerance=0.25 * 4 / 3000),
        }

    judge.check(sample)


def test_complex_parts_are_apart(ar1):
    rng = np.random.default_rng(6)
    x, y = ar1(rng, 4, 2000, 5.0), 0.1 * ar1(rng, 4, 2000, 1.0)
    e = estimate(list(x + 1j * y))[0]
    re, im = estimate(list(x))[0], estimate(list(y))[0]
    assert e.value == complex(re.value, im.value)
    assert e.error == pytest.approx(complex(re.error, im.error))
    assert e.tau_int == pytest.approx(re.tau_int)
    real = estimate(list(x + 0j))[0]
    assert real.error == pytest.approx(complex(re.error, 0))
    assert "constant" not in real.flags
    square = estimate(list(x + 1j * y), lambda m: m**2)[0]
    # d(z²) = 2z dz: the real part of the error comes from 2(x dx − y dy)
    z = np.mean(x + 1j * y)
    expected = estimate(list(2 * (z.real * x - z.imag * y)))[0].error
    assert square.error.real == pytest.approx(expected, rel=1e-6)


def test_numbers_that_cannot_be_said():
    constant = estimate([np.full(50, 0.1), np.full(50, 0.1)])[0]
    assert (constant.error, constant.tau_int, constant.flags) == (0.0, None, ("constant",))
    single = estimate([np.array([1.0])])[0]
    assert single.value == 1.0
    assert single.error is None
    assert single.flags
    log = estimate([np.random.default_rng(0).normal(size=100) - 5], lambda m: np.log(m))[0]
    assert (log.value, log.error, log.flags) == (None, None, ("not_finite",))
    gap = estimate([np.array([1.0, np.nan, 2.0, 3.0, 4.0])])[0]
    assert (gap.value, gap.flags) == (None, ("not_finite",))
    assert estimate([])[0].flags == ("no_data",)
    ratio = estimate([np.random.default_rng(0).normal(size=(100, 2))], lambda m: m / m[0])
    assert "constant" in ratio[0].flags
    assert "constant" not in ratio[1].flags


def test_one_draw_per_chain():
    x = np.random.default_rng(9).normal(size=(500, 1))
    e = estimate(list(x))[0]
    assert e.error == pytest.approx(np.std(x, ddof=1) / np.sqrt(500))
    assert e.tau_int is None
    assert "one_draw_per_chain" in e.flags
    assert e.ess == pytest.approx(500, rel=0.01)


@pytest.mark.parametrize(("chains", "share"), [(1, 0.6), (4, 0.9)])
def test_short_and_few_is_flagged(ar1, chains, share, judge):
    """Mostly: a chain of twelve τ may look like many short times."""

    def sample(seed, size):
        x = ar1(np.random.default_rng(seed), chains * 200 * size, 60, 5.0).reshape(200 * size, chains, 60)
        found = [estimate(list(rows))[0] for rows in x]
        assert all(e.error > 0 for e in found)
        flagged = [{"short_chains", "few_chains"} <= set(e.flags) and e.tau_int is None for e in found]
        return mean(flagged, at_least=share)

    judge.check(sample)


def test_every_flag_is_explained(ar1):
    x = ar1(np.random.default_rng(12), 2, 40, 10.0)
    x[0] += 20
    assert all(name in FLAGS for name in estimate(list(x))[0].flags)


def test_wrong_use():
    with pytest.raises(UsageError, match="window"):
        estimate([np.ones(10)], window=-1)
    with pytest.raises(SqcliError, match="same p"):
        estimate([np.ones((10, 2)), np.ones((10, 3))])
