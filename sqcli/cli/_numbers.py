"""Numbers as physicists write them: 0.4711(23) is 0.4711 ± 0.0023, two digits of the error."""

import math
from typing import Any

NOTHING = "-"


def parenthesis(value: Any, error: Any = None) -> str:
    """Write `value(error)`; a complex value as `re ± im i`, a missing one as "-", a missing error left out."""
    if _is_complex(value):
        return _complex(value, error)
    if value is None or not math.isfinite(value):
        return NOTHING
    if error is None or not math.isfinite(error):
        return f"{value:.6g}"
    if abs(error) <= 1e-15 * abs(value):  # an error below the rounding of the value itself
        return f"{value:.10g}(0)"
    return _scaled(float(value), abs(float(error)))


def short(number: Any) -> str:
    """Write a number, or both parts of a complex one, with four digits; nothing as "-", other things as they are."""
    if _is_complex(number):
        re, im = parts(number)
        return f"{short(re)} {'-' if im < 0 else '+'} {short(abs(im))}i"
    if number is None or (isinstance(number, float) and not math.isfinite(number)):
        return NOTHING
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def _is_complex(value: Any) -> bool:
    return isinstance(value, complex) or (isinstance(value, dict) and {"re", "im"} <= set(value))


def _complex(value: Any, error: Any) -> str:
    (re, im), (re_error, im_error) = parts(value), parts(error)
    if re is None or im is None or not (math.isfinite(re) and math.isfinite(im)):
        return NOTHING
    sign = "-" if im < 0 else "+"
    return f"{parenthesis(re, re_error)} {sign} {parenthesis(abs(im), im_error)}i"


def parts(value: Any) -> tuple[Any, Any]:
    """Return real and imaginary part of a number, of `{"re": …, "im": …}`, or of nothing; None where there is none."""
    if isinstance(value, dict):
        return value.get("re"), value.get("im")
    return (value.real, value.imag) if isinstance(value, complex) else (value, None)


def _scaled(value: float, error: float) -> str:
    """Write value and error plainly where a reader can take them in, otherwise with a common power of ten."""
    size = _exponent(max(abs(value), error))
    if -5 <= size < 7:
        return _plain(value, error)
    return f"{_plain(value / 10.0**size, error / 10.0**size)}e{size:+03d}"


def _plain(value: float, error: float) -> str:
    last = _exponent(error) - 1  # the power of ten of the error's second digit
    if last >= 0:
        return f"{round(value, -last):.0f}({round(error, -last):.0f})"
    shown = f"{error:.{-last}f}" if error >= 0.95 else f"{error * 10.0**-last:.0f}"
    return f"{value:.{-last}f}({shown})"


def _exponent(number: float) -> int:
    """Power of ten of a number's first digit, after rounding to two digits: -1 for 0.0996."""
    return int(f"{number:.1e}".partition("e")[2])
