"""Autocorrelation function of one series, and what its decay says.

τ_int and its error: `gamma.py`. τ_exp: slope of log ρ(t), weighted by (ρ/δρ)², over the later two thirds of the
lags within the window at which ρ stands more than three errors above zero.
"""

import numpy as np

from sqcli.stats import flags as f
from sqcli.stats.estimates import WindowChoice, column_estimate, fixed_window, slower
from sqcli.stats.gamma import bartlett_error
from sqcli.stats.means import project
from sqcli.stats.results import Autocorrelation, Chains, FloatArray

_MOST_LAGS = 4096  # of ρ handed out: a reader of a table or a plot needs no more
_SIGNIFICANT = 3.0


def _decay_time(rho: FloatArray, error: FloatArray) -> float | None:
    """Fit τ_exp to ρ(t); None where fewer than two lags are significant or ρ does not fall."""
    weak = np.flatnonzero(rho[1:] < _SIGNIFICANT * error[1 : len(rho)])
    last = int(weak[0]) if len(weak) else len(rho) - 1
    if last < 2:
        return None
    t = np.arange(max(1, last // 3), last + 1)
    weight = np.clip(rho[t] / np.maximum(error[t], 1e-12), 0, 1e6) ** 2
    centred = t - np.average(t, weights=weight)
    slope = float(np.sum(weight * centred * np.log(rho[t])) / np.sum(weight * centred**2))
    return -1 / slope if slope < 0 else None


def autocorrelation(
    chains: Chains,
    *,
    window: WindowChoice = "auto",
    s: float = 1.5,
    tau_exp: float | None = None,
) -> Autocorrelation:
    """Compute ρ(t) to about twice the window, τ_int, τ_exp, ESS and R̂ of one series, (n_i,) per chain.

    Complex series: their slower part, real or imaginary. Options as in `estimate`.
    """
    w = fixed_window(window)
    if not any(len(c) for c in chains):
        return _without_rho(s, (f.NO_DATA,))
    with np.errstate(all="ignore"):  # what is not finite is flagged
        m = project(chains, None)
    v = slower([column_estimate(m, k, s=s, window=w, tau_exp=tau_exp) for k in range(m.series.shape[1])])
    if v.gamma is None:
        return _without_rho(s, v.flags)
    g, n = v.gamma, int(m.lengths.sum())
    shown = min(len(g.rho), 2 * g.w + 1, _MOST_LAGS)
    error = bartlett_error(g.rho, shown, g.w, n)
    within = g.rho[: min(g.w + 1, shown)]
    measured = _decay_time(within, error) if v.tau is not None else None
    return Autocorrelation(
        rho=g.rho[:shown],
        rho_error=error,
        tau_int=v.tau,
        tau_int_error=v.tau_error,
        window=g.w,
        s=s,
        tau_exp=measured if tau_exp is None else tau_exp,
        ess=v.ess,
        rhat=v.rhat,
        flags=v.flags,
    )


def _without_rho(s: float, flags: tuple[str, ...]) -> Autocorrelation:
    """Make the result for a series that does not fluctuate or has no draws."""
    nothing = np.zeros(0)
    return Autocorrelation(
        rho=nothing,
        rho_error=nothing,
        tau_int=None,
        tau_int_error=None,
        window=None,
        s=s,
        tau_exp=None,
        ess=None,
        rhat=None,
        flags=flags,
    )
