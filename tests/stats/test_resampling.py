import numpy as np
import pytest

from sqcli.errors import UsageError
from sqcli.stats import bin_means, binning_scan, bootstrap, estimate, jackknife


def ratio(m):
    return m[1] / m[0] ** 2


def test_white_noise_agrees_with_gamma():
    # the Γ-method's error is known to √(2(2W+1)/N)/2, the bootstrap's to 1/√(2·2000) = 1.6 %
    x = 3 + np.random.default_rng(1).normal(size=(4, 5000))
    chains = list(np.stack([x, x**3], axis=-1))
    gamma = estimate(chains, ratio)[0]
    value, error = jackknife(chains, ratio)
    assert value[0] == pytest.approx(gamma.value, rel=1e-12)
    assert error[0] == pytest.approx(gamma.error, rel=0.06)
    value, error = bootstrap(chains, ratio, bin_size=10, samples=2000, rng=np.random.default_rng(2))
    assert error[0] == pytest.approx(gamma.error, rel=0.1)


def test_jackknife_of_a_mean_is_the_standard_error():
    x = np.random.default_rng(3).normal(size=(2, 50))
    value, error = jackknife(list(x))
    assert value[0] == pytest.approx(x.mean())
    assert error[0] == pytest.approx(x.std(ddof=1) / 10)
    _, split = jackknife(list(x + 1j * x))
    assert split[0] == pytest.approx(error[0] * (1 + 1j))


def test_scan_reaches_the_plateau(ar1):
    x = list(ar1(np.random.default_rng(4), 4, 20_000, 5.0))
    scan = binning_scan(x)
    assert scan[0].error[0] == pytest.approx(np.sqrt(1 / 80_000), rel=0.05)
    plateau = next(b for b in scan if b.bin_size == 256)
    assert abs(plateau.error[0] / np.sqrt(10 / 80_000) - 1) < 4 * plateau.relative_error
    assert scan[-1].bins >= 16


def test_bins_stay_inside_chains():
    bins = bin_means([np.arange(5.0), np.arange(10.0, 14.0)], 2)
    assert bins[:, 0].tolist() == [0.5, 2.5, 10.5, 12.5]
    with pytest.raises(UsageError, match="bin size"):
        bin_means([np.ones(10)], 0)
    with pytest.raises(UsageError, match="fewer than two"):
        bin_means([np.ones(10)], 6)
    with pytest.raises(UsageError, match="samples"):
        bootstrap([np.ones(10)], samples=1, rng=np.random.default_rng(0))
