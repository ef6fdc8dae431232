"""Means and functions of means with honest errors.

Value: the function at the global mean, nothing subtracted. Error: Γ-method (Wolff, hep-lat/0306017) on the projected
series, or the scatter of whole chains where they are short and many; `series_estimate.py` holds the rule.
"""

from typing import Literal

import numpy as np

from sqcli.errors import UsageError
from sqcli.stats import flags as f
from sqcli.stats.means import Means, project
from sqcli.stats.results import Chains, Combine, Estimate
from sqcli.stats.series_estimate import SeriesEstimate, constant, estimate_series, unknown

WindowChoice = int | Literal["auto"]


def fixed_window(window: WindowChoice) -> int | None:
    """Check the window that was asked for: None for "auto", else a number of draws, 0 or more."""
    if window == "auto":
        return None
    if not isinstance(window, int) or window < 0:
        raise UsageError(f"window is {window!r}; it must be 'auto' or a number of draws, 0 or more")
    return window


def column_estimate(m: Means, k: int, *, s: float, window: int | None, tau_exp: float | None) -> SeriesEstimate:
    """Estimate the mean of real column `k` of projected means."""
    n = int(m.lengths.sum())
    if not m.finite[k]:
        return unknown(f.NOT_FINITE)
    if n == 1 or (len(m.lengths) == 1 and n < 4) or m.flat[k]:
        return unknown(f.FEW_CHAINS)
    if m.constant[k]:
        return constant(None if len(m.lengths) == 1 else 0.0)
    return estimate_series(m.series[:, k], m.chain_values[:, k], m.lengths, s=s, window=window, tau_exp=tau_exp)


def slower(parts: list[SeriesEstimate]) -> SeriesEstimate:
    """Pick the part with the smaller ESS; constant parts come last."""
    moving = [v for v in parts if v.gamma is not None] or parts
    return max(moving, key=lambda v: v.gamma.tau if v.gamma is not None else 0.0)


def _pair(numbers: list[float | None]) -> complex | float | None:
    """Join one number, or two as re + i·im; None if one is missing."""
    known = [x for x in numbers if x is not None]
    if len(known) < len(numbers):
        return None
    return known[0] if len(known) == 1 else complex(known[0], known[1])


def _join(value: complex | float, parts: list[SeriesEstimate]) -> Estimate:
    """Join the estimates of a real value, or of real and imaginary part, to one."""
    slow = slower(parts)
    rhats = [v.rhat for v in parts if v.rhat is not None]
    qs = [v.q_value for v in parts if v.q_value is not None]
    ratios, outliers = [v.lyapunov for v in parts if v.lyapunov], [v.outlier for v in parts if v.outlier]
    names = dict.fromkeys(name for v in parts for name in v.flags)
    if len(parts) == 2 and f.CONSTANT in names and slow.gamma is not None:
        del names[f.CONSTANT]  # one part of a complex series stands still, the other fluctuates
    return Estimate(
        value=value if np.isfinite(value) else None,
        error=_pair([v.error for v in parts]),
        tau_int=slow.tau,
        tau_int_error=slow.tau_error,
        ess=slow.ess,
        error_method=slow.method,
        between_chains_error=_pair([v.between for v in parts]),
        window=None if slow.gamma is None else slow.gamma.w,
        rhat=max(rhats) if rhats else None,
        q_value=min(qs) if qs else None,
        flags=tuple(names),
        dof=slow.dof,
        lyapunov=max(ratios, default=None),
        outlier=max(outliers, default=None),
    )


def _no_data() -> Estimate:
    return _join(float("nan"), [unknown(f.NO_DATA)])


def estimate(
    chains: Chains,
    combine: Combine | None = None,
    *,
    s: float = 1.5,
    window: WindowChoice = "auto",
    tau_exp: float | None = None,
) -> list[Estimate]:
    """Estimate `combine`(means), one value with its error per component.

    Args:
        chains: one (n_i, p) or (n_i,) array per chain, real or complex; lengths may differ, empty ones are dropped.
        combine: maps the means (p,) to (c,) numbers or a scalar; None gives the means themselves.
        s: Wolff's S of the automatic window.
        window: "auto" or a fixed summation window in draws.
        tau_exp: adds the tail τ_exp ρ(W + 1) (1009.5228).

    Returns:
        c estimates; one, flagged "no_data", where there are no draws.

    Raises:
        UsageError: a negative window.
        SqcliError: arrays of different p.
    """
    w = fixed_window(window)
    if not any(len(c) for c in chains):
        return [_no_data()]
    with np.errstate(all="ignore"):  # what is not finite is flagged below
        m = project(chains, combine)
        columns = [column_estimate(m, k, s=s, window=w, tau_exp=tau_exp) for k in range(m.series.shape[1])]
    c = len(m.value)
    return [_join(m.value[k].item(), columns[k::c]) for k in range(c)]
