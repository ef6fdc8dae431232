"""The judge of random numbers: its rule, its calibration, and that it sees what is wrong."""

import numpy as np
import pytest
from statistical import (
    Judge,
    correlation,
    count,
    difference,
    estimate,
    limit,
    mean,
    ratio,
    reported,
    seed_of,
    spread,
)

VALUES = 24


def scripted(*scores):
    """A sample whose z is the first number at first, the second one again; and the sizes it was asked for."""
    asked = []

    def sample(seed, size):
        asked.append((seed, size))
        return estimate(scores[len(asked) - 1], 1.0, 0.0)

    return sample, asked


@pytest.mark.parametrize("scores", [(3.4,), (-3.4,), (3.6, 4.9), (3.6, -9.0), (-9.0, 5.1), (90.0, 0.0)])
def test_passes(scores):
    sample, asked = scripted(*scores)
    Judge(1, 2).check(sample)
    assert asked == [(1, 1), (2, 4)][: len(scores)]


@pytest.mark.parametrize("scores", [(3.6, 5.1), (-3.6, -5.1), (40.0, 40.0)])
def test_fails(scores):
    with pytest.raises(AssertionError, match=r"value: .* expected 0 \(z = .*again"):
        Judge(1, 2).check(scripted(*scores)[0])


def test_only_what_was_suspect_at_first_can_fail():
    samples = iter([(3.6, 3.0), (0.0, 9.0)])
    Judge(1, 2).check(lambda *_: {name: estimate(z, 1.0, 0.0) for name, z in zip("ab", next(samples), strict=True)})
    vectors = iter([estimate(np.array([0.0, 9.0]), 1.0, 0.0), estimate(np.array([9.0, 0.0]), 1.0, 0.0)])
    Judge(1, 2).check(lambda seed, size: next(vectors))
    with pytest.raises(AssertionError, match=r"power\[1\]: 9 ± 1, expected 0 "):
        Judge(1, 2).check(lambda seed, size: {"power": estimate(np.array([0.0, 9.0]), 1.0, 0.0)})


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_fails_at_once(wrong):
    for found in (estimate(wrong, 1.0, 0.0), estimate(0.0, wrong, 0.0)):
        with pytest.raises(AssertionError, match="not finite"):
            Judge(1, 2).check(lambda *_, found=found: found)


def test_numbers_without_an_error_must_be_right():
    Judge(1, 2).check(lambda *_: mean([2.0, 2.0], 2.0))
    with pytest.raises(AssertionError):
        Judge(1, 2).check(lambda *_: mean([2.0, 2.0], 2.1))


def test_claims():
    said = []

    def claim(seed, size):
        said.append((seed, size))
        assert seed == 2

    Judge(1, 2).twice(claim)
    assert said == [(1, 1), (2, 4)]
    with pytest.raises(AssertionError):
        Judge(1, 3).twice(claim)


def test_assertions_within_a_sample_are_claims():
    def sample(seed, size, denied, value):
        assert seed not in denied, "denied"
        return estimate(value, 1.0, 0.0)

    Judge(1, 2).check(lambda *of: sample(*of, denied=(1,), value=4.9))
    with pytest.raises(AssertionError, match="denied"):
        Judge(1, 2).check(lambda *of: sample(*of, denied=(1, 2), value=0.0))
    with pytest.raises(AssertionError, match="expected 0"):
        Judge(1, 2).check(lambda *of: sample(*of, denied=(1,), value=5.1))


def test_rows_of_reports():
    row = {"value": 1.0, "error": 0.1, "tau_int": 5.0, "tau_int_error": 0.5}
    assert reported(row, 0.9).dof == pytest.approx(200)
    assert reported({**row, "tau_int_error": None}, 0.9).dof is None


def test_bands():
    z = estimate(np.array([0.5, 1.4, 1.9]), 0.1, 1.0, tolerance=0.5).z()
    np.testing.assert_allclose(z, [0, 0, 4], atol=1e-9)
    np.testing.assert_allclose(estimate(np.array([0.5, 1.4]), 0.1, at_least=0.7).z(), [-2, 0])
    np.testing.assert_allclose(estimate(np.array([0.5, 1.4]), 0.1, at_most=0.7).z(), [0, 7])


def test_look_elsewhere():
    from scipy.special import ndtr

    assert limit(3.5, 1) == pytest.approx(3.5)
    assert ndtr(-limit(3.5, 100)) == pytest.approx(ndtr(-3.5) / 100)


def test_seeds():
    labels = [seed_of(name, offset) for name in ("a", "b") for offset in range(5)]
    assert len(set(labels)) == 10
    assert all(0 <= label < 2**56 for label in labels)


@pytest.mark.parametrize("shape", [None, 16.0], ids=["normal", "skewed"])
@pytest.mark.parametrize("kind", [mean, ratio, spread, difference], ids=lambda f: f.__name__)
def test_scores_are_those_of_a_standard_normal_variable(kind, shape, judge):
    """z of right numbers: mean 0, spread 1, beyond 2 as often as it should, for Gaussian and for skewed values."""

    def values(rng, n):
        if shape is None:
            return rng.standard_normal(n)
        return (rng.standard_gamma(shape, n) - shape) / np.sqrt(shape)

    def measured(rng, n):
        if kind is ratio:
            return ratio(3 + values(rng, n), 6 + values(rng, n), 0.5)
        if kind is difference:
            return difference(mean(values(rng, n), 0.0), mean(values(rng, 2 * n), 0.0))
        return kind(values(rng, n), 0.0 if kind is mean else 1.0)

    def sample(seed, size):
        rng = np.random.default_rng(seed)
        n = VALUES if kind is not spread else 40 * VALUES  # the kurtosis needs more
        z = np.array([measured(rng, n).z() for _ in range(1000 * size)])
        return {
            "centre": mean(z, 0.0, tolerance=0.1),
            "spread": spread(z, 1.0, tolerance=0.05),
            "beyond": mean(np.abs(z) > 2, 0.0455, tolerance=0.01),
        }

    judge.check(sample)


def test_correlations_and_counts_of_right_numbers(judge):
    def sample(seed, size):
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal((400 * size, 2, 50))
        r = [correlation(a, b).z() for a, b in normal]
        hits = [count((rng.random(200) < 0.2).sum(), 200, 0.2).z() for _ in range(400 * size)]
        return {
            "r": mean(r, 0.0),
            "spread of r": spread(r, 1.0, tolerance=0.02),
            "hits": mean(hits, 0.0),
            "spread of hits": spread(hits, 1.0),
        }

    judge.check(sample)


@pytest.mark.parametrize("draw", ["standard_normal", "standard_exponential"])
def test_a_wrong_mean_is_caught(draw, judge):
    """Off by 6 errors of the first sample, nine times in ten at least (0.99 for Gaussian values)."""

    def caught(rng):
        def wrong(seed, size):
            values = getattr(rng, draw)(VALUES * size)
            return mean(values, (draw == "standard_exponential") + 6 / np.sqrt(VALUES))

        try:
            Judge(1, 2).check(wrong)
        except AssertionError:
            return True
        return False

    def sample(seed, size):
        rng = np.random.default_rng(seed)
        return mean([caught(rng) for _ in range(200 * size)], at_least=0.9)

    judge.check(sample)


def test_a_right_mean_is_not(judge):
    """Alarms of the first sample come as often as said: where that needs no luck, at z = 2 of the same formula."""

    def sample(seed, size):
        values = np.random.default_rng(seed).standard_normal((20_000 * size, VALUES)).T
        z = mean(values, 0.0)
        t = np.abs(z.value / z.error)
        return count((t > 2.17696).sum(), t.size, 0.04)  # P(|T| > 2.17696) with 23 degrees of freedom

    judge.check(sample)
