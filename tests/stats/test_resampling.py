import numpy as np
import pytest
import statistical

from sqcli.errors import UsageError
from sqcli.stats import bin_means, binning_scan, bootstrap, estimate, jackknife


def ratio(m):
    return m[1] / m[0] ** 2


def test_white_noise_agrees_with_gamma(judge):
    """The Γ-method's error is known to √(2(2W+1)/N)/2 = 1 %, the bootstrap's to 1/√(2·2000) = 1.6 %."""

    def sample(seed, size):
        rng = np.random.default_rng(seed)
        x = 3 + rng.normal(size=(4, 5000 * size))
        chains = list(np.stack([x, x**3], axis=-1))
        gamma = estimate(chains, ratio)[0]
        value, error = jackknife(chains, ratio)
        assert value[0] == pytest.approx(gamma.value, rel=1e-12)
        _, other = bootstrap(chains, ratio, bin_size=10, samples=2000 * size, rng=rng)
        known, drawn = 0.013 / np.sqrt(size), 0.025 / np.sqrt(size)
        return {
            "jackknife": statistical.estimate(error[0] / gamma.error, known, 1.0),
            "bootstrap": statistical.estimate(other[0] / gamma.error, drawn, 1.0, tolerance=0.005),
        }

    judge.check(sample)


def test_jackknife_of_a_mean_is_the_standard_error():
    x = np.random.default_rng(3).normal(size=(2, 50))
    value, error = jackknife(list(x))
    assert value[0] == pytest.approx(x.mean())
    assert error[0] == pytest.approx(x.std(ddof=1) / 10)
    _, split = jackknife(list(x + 1j * x))
    assert split[0] == pytest.approx(error[0] * (1 + 1j))


def test_scan_reaches_the_plateau(ar1, judge):
    def sample(seed, size):
        scan = binning_scan(list(ar1(np.random.default_rng(seed), 4, 20_000 * size, 5.0)))
        plateau = next(b for b in scan if b.bin_size == 256)
        assert scan[-1].bins >= 16
        n = 80_000 * size
        return {  # 10 draws count as one, and the naive error is one of squares, with τ_int = 2.5
            "naive": statistical.estimate(scan[0].error[0] * np.sqrt(n), np.sqrt(5 / n / 2), 1.0),
            "plateau": statistical.estimate(
                plateau.error[0] * np.sqrt(n / 10), plateau.relative_error, 1.0, tolerance=0.02
            ),
        }

    judge.check(sample)


def test_bins_stay_inside_chains():
    bins = bin_means([np.arange(5.0), np.arange(10.0, 14.0)], 2)
    assert bins[:, 0].tolist() == [0.5, 2.5, 10.5, 12.5]
    with pytest.raises(UsageError, match="bin size"):
        bin_means([np.ones(10)], 0)
    with pytest.raises(UsageError, match="fewer than two"):
        bin_means([np.ones(10)], 6)
    with pytest.raises(UsageError, match="samples"):
        bootstrap([np.ones(10)], samples=1, rng=np.random.default_rng(0))
