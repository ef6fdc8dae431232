"""Normal quantiles, Student's t and χ² tails without SciPy, whose import costs more than an analysis.

Quantile: P. J. Acklam's rational approximation (relative error 1.2e−9), refined by Halley's step for single numbers.
Incomplete beta and gamma functions: continued fractions (DLMF 8.17.22, 8.9.2) and series (DLMF 8.11.4).
"""

import math

import numpy as np

from sqcli.stats.results import FloatArray

_A = (-3.969683028665376e01, 2.209460984245205e02, -2.759285104469687e02, 1.383577518672690e02,
      -3.066479806614716e01, 2.506628277459239e00)  # fmt: skip
_B = (-5.447609879822406e01, 1.615858368580409e02, -1.556989798598866e02, 6.680131188771972e01,
      -1.328068155288572e01, 1.0)  # fmt: skip
_C = (-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e00, -2.549732539343734e00,
      4.374664141464968e00, 2.938163982698783e00)  # fmt: skip
_D = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00, 1.0)  # fmt: skip
_LOW = 0.02425
_TINY = 1e-300
CERTAIN = 38.0  # the z of whatever cannot be by chance: beyond it 1 − Φ(z) underflows
_TERMS = 10_000


def normal_quantile(p: FloatArray) -> FloatArray:
    """Compute z with Φ(z) = p, 0 < p < 1, elementwise."""
    q = p - 0.5
    central: FloatArray = q * np.polyval(_A, q * q) / np.polyval(_B, q * q)
    tail = np.minimum(p, 1 - p)
    t = np.sqrt(-2 * np.log(tail))
    outer = np.polyval(_C, t) / np.polyval(_D, t)
    return np.where(tail < _LOW, np.where(q < 0, outer, -outer), central)


def normal_upper_quantile(p: float) -> float:
    """Compute z with 1 − Φ(z) = p; accurate far in the upper tail, `CERTAIN` where p underflows."""
    if p <= _TINY:
        return CERTAIN
    if p >= 0.5:
        return -normal_upper_quantile(1 - p) if p > 0.5 else 0.0
    z = -float(normal_quantile(np.array([p]))[0])
    excess = 1 - p / (0.5 * math.erfc(z / math.sqrt(2)))
    ratio = 0.5 * math.erfc(z / math.sqrt(2)) * math.sqrt(2 * math.pi) * math.exp(z * z / 2)
    u = excess * ratio
    return z + u / (1 + z * u / 2)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    h = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for coefficient in (even, odd):
            d = 1 / (1 + coefficient * d or _TINY)
            c = 1 + coefficient / c or _TINY
            step = c * d
            h *= step
        if abs(step - 1) < 1e-15:
            break
    return h


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Compute the regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) * _beta_fraction(a, b, x) / a


def student_p(t: float, dof: float) -> float:
    """Compute P(|T| > |t|) for Student's t with `dof` > 0 degrees of freedom (not necessarily whole)."""
    if dof > 1e6:
        return math.erfc(abs(t) / math.sqrt(2))
    return _incomplete_beta(dof / 2, 0.5, dof / (dof + t * t)) if t else 1.0


def f_p(f: float, above: float, below: float) -> float:
    """Compute P(F > f) for Snedecor's F with `above` and `below` degrees of freedom."""
    return _incomplete_beta(below / 2, above / 2, below / (below + above * f)) if f > 0 else 1.0


def chi2_p(chi2: float, dof: float) -> float:
    """Compute P(χ² > chi2) with `dof` degrees of freedom."""
    a, x = dof / 2, chi2 / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for k in range(1, _TERMS):
            term *= x / (a + k)
            total += term
            if term < 1e-16 * total:
                break
        return max(0.0, 1 - front * total)
    b, c = x + 1 - a, 1 / _TINY
    d = 1 / b
    h = d
    for k in range(1, _TERMS):
        b += 2
        coefficient = -k * (k - a)
        d = 1 / (coefficient * d + b or _TINY)
        c = b + coefficient / c or _TINY
        h *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * h


def z_score(value: float, error: float | None, dof: float | None = None) -> float | None:
    """Convert value/error, a t with `dof` degrees of freedom, to the Gaussian z that is as improbable.

    dof None: the error is taken as known. None where there is no error to compare with; 0 for 0 ± 0.
    """
    if error is None or not error > 0:
        return 0.0 if value == 0 and error == 0 else None
    t = value / error
    if dof is None:
        return t
    return math.copysign(normal_upper_quantile(student_p(t, dof) / 2), t)
