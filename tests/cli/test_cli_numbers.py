import math
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sqcli.cli._numbers import parenthesis, short


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.47112, 0.0023, "0.4711(23)"),
        (-0.47112, 0.0023, "-0.4711(23)"),
        (0.47112, 0.0996, "0.47(10)"),
        (0.47112, 0.00996, "0.471(10)"),
        (12.345, 1.37, "12.3(1.4)"),
        (12.345, 0.999, "12.3(1.0)"),
        (1234.5, 137.0, "1230(140)"),
        (1234.5, 13.7, "1234(14)"),
        (0.0123, 0.25, "0.01(25)"),
        (0.0, 0.25, "0.00(25)"),
        (3.0, 0.0, "3(0)"),
        (0.5, None, "0.5"),
        (0.5, math.nan, "0.5"),
        (None, 0.1, "-"),
        (math.nan, 0.1, "-"),
        (1.234e-12, 5e-14, "1.234(50)e-12"),
        (1.5e9, 2.5e7, "1.500(25)e+09"),
        (1, 1, "1.0(1.0)"),
        (1 + 2j, 0.1 + 0.2j, "1.00(10) + 2.00(20)i"),
        (1 - 2j, None, "1 - 2i"),
        ({"re": 1.0, "im": -2.0}, {"re": 0.1, "im": 0.2}, "1.00(10) - 2.00(20)i"),
        ({"re": None, "im": -2.0}, None, "-"),
    ],
)
def test_value_and_error_as_physicists_write_them(value, error, text):
    assert parenthesis(value, error) == text


@given(
    digits=st.floats(-9.99, 9.99, allow_subnormal=False),
    error_digits=st.floats(1.0, 9.99),
    power=st.integers(-290, 290),
    precision=st.integers(-14, 5),
)
@settings(derandomize=True)
def test_the_notation_can_be_read_back(digits, error_digits, power, precision):
    """Hypothesis: what stands in the text is the value within the rounding of the error's second digit."""
    value, error = digits * 10.0**power, error_digits * 10.0 ** (power + precision)
    assume(error > 1e-15 * abs(value))
    mantissa, shown, exponent = re.fullmatch(r"(-?[\d.]+)\(([\d.]+)\)(e[+-]\d+)?", parenthesis(value, error)).groups()
    decimals = len(mantissa.partition(".")[2])
    scale = float("1" + (exponent or "e0"))
    read_error = float(shown) if "." in shown or not decimals else float(shown) * 10.0**-decimals
    assert read_error * scale == pytest.approx(error, rel=0.06)
    assert abs(float(mantissa) * scale - value) <= 0.06 * error + 1e-12 * abs(value)


def test_short_numbers():
    assert [short(x) for x in (None, math.nan, 1.23456, 7, "gamma", True)] == ["-", "-", "1.235", "7", "gamma", "True"]
