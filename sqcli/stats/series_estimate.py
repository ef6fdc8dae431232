"""Estimate of one real series, and the rule which of its errors to trust.

The Γ-method needs chains of many τ; many short chains are better judged by their scatter; where there are neither,
the number is flagged. Limits: τ can be said from chains of 50 τ, the Γ-method's error used from 25 τ, the scatter
of 16 chains or more. Replica consistency: Wolff, hep-lat/0306017, eq. 24 ff.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sqcli.stats import flags as f
from sqcli.stats.gamma import Window, gamma_method
from sqcli.stats.means import between_chains_error, chain_means
from sqcli.stats.mixing import memory_z, mixed, split_rhat
from sqcli.stats.results import FloatArray
from sqcli.stats.special import chi2_p

TAU_FROM = 50.0
GAMMA_FROM = 25.0
MANY_CHAINS = 16
_Q_MIN = 1e-3
_MEMORY_Z = 4.0


@dataclass(frozen=True)
class SeriesEstimate:
    """Estimate of one real series; None where a number cannot be said."""

    error: float | None
    method: str | None
    between: float | None
    tau: float | None
    tau_error: float | None
    ess: float | None
    dof: float | None
    rhat: float | None
    q_value: float | None
    gamma: Window | None
    flags: tuple[str, ...]
    lyapunov: float | None = None
    outlier: float | None = None


_NOTHING = SeriesEstimate(None, None, None, None, None, None, None, None, None, None, ())


def constant(between: float | None) -> SeriesEstimate:
    """Make the estimate of a series without fluctuations."""
    return replace(_NOTHING, error=0.0, method="gamma", between=between, flags=(f.CONSTANT,))


def unknown(flag: str) -> SeriesEstimate:
    """Make the estimate of a series whose error cannot be computed, with the flag that says why."""
    return replace(_NOTHING, flags=(flag,))


def _tau_within(series: FloatArray, lengths: NDArray[np.int64], s: float) -> float:
    """Compute τ about each chain's own mean, that mean's bias taken out (eq. 49 with one chain's length); ½ at least.

    The largest partial sum within the window: in short chains ρ about the own mean turns negative.
    """
    deviations = series - np.repeat(chain_means(series, lengths), lengths)
    if not deviations.any():
        return 0.5
    g = gamma_method(deviations, lengths, s=s)
    w = np.arange(g.w + 1)
    sums = (np.cumsum(g.rho[: g.w + 1]) - 0.5) * (1 + (2 * w + 1) * len(lengths) / len(series))
    return max(0.5, float(sums.max()))


def _replica_q(series: FloatArray, lengths: NDArray[np.int64], g: Window) -> tuple[float | None, bool]:
    """Compute Q of the chains' means about the global one, and tell whether it is bad beyond the uncertainty of τ."""
    if len(lengths) < 2:
        return None, False
    means = chain_means(series, lengths)
    chi2 = float((lengths * means**2).sum() / (2 * g.tau * g.variance))
    dof = len(lengths) - 1
    allowed = 1 + 2 * g.tau_error / g.tau  # τ itself is uncertain
    return chi2_p(chi2, dof), chi2_p(chi2 / allowed, dof) < _Q_MIN


def _longest_tau(g: Window, between: float | None, n_chains: int, n_total: int) -> float:
    """Take the longest τ that is known: the Γ-method's, or what the scatter of many chains proves (3σ below)."""
    if between is None or n_chains < MANY_CHAINS:
        return max(0.5, g.tau)
    scatter = n_total * between**2 / (2 * g.variance) / (1 + 3 * math.sqrt(2 / (n_chains - 1)))
    return max(0.5, g.tau, scatter)


def _length_asked_for(tau: float, g: Window) -> float:
    """Ask for 50 τ, less one standard error where τ is known to a third: chains of just 50 τ should pass."""
    relative = g.tau_error / g.tau
    return TAU_FROM * tau * (1 - relative if relative < 1 / 3 else 1)


def _flags(lengths: NDArray[np.int64], z: float | None, found: dict[str, bool]) -> tuple[str, ...]:
    """List the flags: those of `found` that hold, then those that depend on the chains alone."""
    names = [name for name, present in found.items() if present]
    if z is not None and abs(z) > _MEMORY_Z:
        names.append(f.START_MEMORY)
    if lengths.max() == 1:
        names.append(f.ONE_DRAW_PER_CHAIN)
    return tuple(names)


def tails(deviations: FloatArray, span: float = 1.0) -> tuple[float, float]:
    """Measure how far a mean of N numbers is from Gaussian: Lyapunov's ratio Σ|δ|³/(Σδ²)^{3/2}, and max |δ|/N.

    The first bounds the distance (Berry and Esseen); the second is what one more number as extreme as the most extreme
    one would change. `span` numbers in a row count as one.
    """
    size = np.abs(deviations)
    largest = float(size.max(initial=0.0))
    if not 0 < largest < np.inf:
        return math.inf, largest
    size = size / largest  # so that no power overflows
    square = float(size @ size)
    return math.sqrt(span) * float(size**2 @ size) / square**1.5, span * largest / len(size)


def estimate_series(
    series: FloatArray,
    chain_values: FloatArray,
    lengths: NDArray[np.int64],
    *,
    s: float,
    window: int | None,
    tau_exp: float | None,
) -> SeriesEstimate:
    """Estimate a series by its deviations (N,), not all zero, and pseudo-values (R,) of whole chains.

    Where neither error can be trusted the larger one is given, flagged. Numbers whose squares would overflow or vanish
    are analysed in units of a power of two near the largest of them.
    """
    largest = float(np.abs(series).max())
    unit = 1.0 if 1e-140 < largest < 1e140 else 2.0 ** min(math.frexp(largest)[1], 1023)
    series, chain_values = np.ascontiguousarray(series / unit), chain_values / unit
    v = _estimate(series, chain_values, lengths, gamma_method(series, lengths, s=s, window=window, tau_exp=tau_exp), s)
    if unit == 1.0:
        return v
    error, between, outlier = (None if x is None else x * unit for x in (v.error, v.between, v.outlier))
    return replace(v, error=error, between=between, outlier=outlier)


def _scatter(chain_values: FloatArray, lengths: NDArray[np.int64]) -> float | None:
    """Compute the error from the scatter of chains; None where there is none, or no finite one."""
    error = between_chains_error(chain_values[:, None], lengths)
    return None if error is None or not np.isfinite(error[0]) else float(error[0])


def _estimate(
    series: FloatArray, chain_values: FloatArray, lengths: NDArray[np.int64], g: Window, s: float
) -> SeriesEstimate:
    """Apply the rule of this module to numbers whose squares can be taken, with the result of their Γ-method."""
    n, n_chains = len(series), len(lengths)
    between = _scatter(chain_values, lengths)
    typical = float(lengths @ lengths) / n
    tau = _longest_tau(g, between, n_chains, n)
    r = split_rhat(series, lengths)
    apart = r is not None and r > 1.01 and not mixed(series, lengths, r, _tau_within(series, lengths, s))
    short = typical < GAMMA_FROM * tau
    q, inconsistent = _replica_q(series, lengths, g)
    doubtful = short or apart or inconsistent
    scattered = between is not None and doubtful and (n_chains >= MANY_CHAINS or between > g.error)
    error = between if scattered else g.error
    long = typical >= _length_asked_for(tau, g)
    sayable = long and not (apart or inconsistent)
    few = short and n_chains < MANY_CHAINS
    found = {
        f.NOT_MIXED: apart,
        f.SHORT_CHAINS: not long and lengths.max() > 1,
        f.FEW_CHAINS: few,
        f.REPLICA_INCONSISTENT: inconsistent and not short,
    }
    lyapunov, outlier = tails(chain_values - chain_values.mean()) if scattered else tails(series, max(1.0, 2 * g.tau))
    return SeriesEstimate(
        error=error,
        method="between_chains" if scattered else "gamma",
        between=between,
        tau=g.tau if sayable else None,
        tau_error=g.tau_error if sayable else None,
        ess=None if few or not error else g.variance / error**2,
        dof=float(n_chains - 1) if scattered else n / (2 * g.w + 1),
        rhat=r if r is not None and math.isfinite(r) else None,
        q_value=q,
        gamma=g,
        flags=_flags(lengths, memory_z(series, lengths), found),
        lyapunov=lyapunov,
        outlier=outlier,
    )
