"""Series as odd as they come: no warning, no NaN, and an error of zero only where nothing differs."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqcli.stats import autocorrelation, estimate

NUMBERS = st.one_of(
    st.floats(-3, 3),
    st.sampled_from([0.0, 1.0, -1.0, 1e300, -1e300, 1e-300, 1e-160, 1e160, np.nan, np.inf, -np.inf]),
)
CHAINS = st.lists(st.lists(NUMBERS, max_size=9), max_size=5)
FUNCTIONS = {
    "mean": None,
    "variance": lambda m: m[1] - m[0] ** 2,
    "root": lambda m: np.sqrt(m[1] - m[0] ** 2 - 0.5),
    "ratio": lambda m: m[0] / m[1],
    "two": lambda m: np.array([m[0], np.log(m[0])]),
}


def parts(number):
    return [] if number is None else [number.real, number.imag] if isinstance(number, complex) else [number]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("turned", [False, True])
@settings(max_examples=60, deadline=None)
@given(lists=CHAINS, scale=st.sampled_from([1.0, 1e300, 1e-300]))
def test_estimates_of_odd_series(name, turned, lists, scale):
    with np.errstate(all="ignore"):
        chains = [np.array(values, float) * scale * (1 + 2j if turned else 1) for values in lists]
        pairs = [np.stack([c, c * c], axis=1) for c in chains]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(divide="warn", over="warn", invalid="warn"):
            found = estimate(chains if name == "mean" else pairs, FUNCTIONS[name])
            autocorrelation(chains)
    values = np.concatenate([np.zeros(0), *chains])
    for e in found:
        assert all(np.isfinite(x) for x in parts(e.value))
        assert all(np.isfinite(x) and x >= 0 for x in parts(e.error))
        assert e.value is not None or e.flags
        assert all(np.isfinite(x) for x in (e.tau_int, e.tau_int_error, e.ess, e.rhat) if x is not None)
        if name == "mean" and e.error == 0 and len(values):
            assert np.ptp(values.real) <= 1e-14 * np.abs(values).max()


def test_two_numbers_that_differ_have_no_error_of_zero():
    """The variance of two numbers does not change to first order; that is no error of zero."""
    pairs = [np.array([[x, x * x]]) for x in (0.3, 1.9)]
    e = estimate(pairs, FUNCTIONS["variance"])[0]
    assert (e.value, e.error, e.flags) == (pytest.approx(0.64), None, ("few_chains",))
    assert estimate([np.array([0.3]), np.array([1.9])])[0].error > 0


@pytest.mark.parametrize("scale", [2.0**990, 2.0**-990])
def test_scale_changes_nothing_but_the_scale(ar1, rng, scale):
    x = ar1(rng, 4, 300, 2.0) + 3
    one, other = estimate(list(x))[0], estimate(list(x * scale))[0]
    assert other.error / scale == pytest.approx(one.error, rel=1e-12)
    assert other.between_chains_error / scale == pytest.approx(one.between_chains_error, rel=1e-12)
    assert (other.tau_int, other.flags) == (pytest.approx(one.tau_int), one.flags)
    ratio = estimate([np.stack([c, c * c], axis=1) for c in x * 2.0**400], lambda m: m[0] / np.sqrt(m[1]))[0]
    plain = estimate([np.stack([c, c * c], axis=1) for c in x], lambda m: m[0] / np.sqrt(m[1]))[0]
    assert ratio.error == pytest.approx(plain.error, rel=1e-6)


def test_near_the_end_of_a_functions_domain_the_error_is_that_of_pyerrors(ar1, rng):
    """√(⟨x⟩ − a) with a within one error of ⟨x⟩: a step of one error would leave the domain."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyerrors
    x = ar1(rng, 1, 2000, 1.0)[0]
    x -= x.mean() - 0.01
    found = estimate([x], np.sqrt)[0]
    with np.errstate(all="ignore"):
        root = np.sqrt(pyerrors.Obs([x], ["a"]))
        root.gamma_method(S=1.5)
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(root.dvalue, rel=1e-4)
    assert "not_finite" in estimate([x - x.mean()], lambda m: np.sqrt(m - 1))[0].flags
