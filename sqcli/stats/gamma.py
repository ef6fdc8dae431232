"""Γ-method: Γ(t) = ⟨δ_i δ_{i+t}⟩ about the global mean, summed up to an automatic window.

U. Wolff, hep-lat/0306017: global mean over replicas, N − R·t pairs at lag t (eqs. 31, 36), window (eqs. 50–52),
bias correction 1 + (2W + 1)/N (eq. 49), statistical error of τ_int (eq. 42, Madras–Sokal).
Tail beyond the window, τ_exp ρ(W + 1): Schaefer, Sommer, Virotta, 1009.5228.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcli.stats.results import FloatArray

_FFT_VALUES = 1 << 22  # values per batch of transforms: bounds the memory of thousands of chains


@dataclass(frozen=True)
class Window:
    """Result of the Γ-method for one series, with its window w; `tau` = ½ for white noise, `variance` = Γ(0)."""

    rho: FloatArray
    variance: float
    w: int
    tau: float
    tau_error: float
    error: float


def _good_size(n: int) -> int:
    """Find the smallest 2^a 3^b 5^c, a ≥ 1, not below n: fast for the FFT."""
    best = 2
    while best < n:
        best *= 2
    power5 = 1
    while power5 < best:
        power3 = power5
        while power3 < best:
            size = 2 * power3
            while size < n:
                size *= 2
            best = min(best, size)
            power3 *= 3
        power5 *= 5
    return best


def _correlate(rows: FloatArray, n_lags: int) -> FloatArray:
    """Sum x_i x_{i+t} over i and all rows (r, n), for t = 0 … n_lags − 1."""
    n = rows.shape[1]
    lags = min(n, n_lags)
    out = np.zeros(n_lags)
    if lags == 1:
        out[0] = np.vdot(rows, rows)
        return out
    size = _good_size(n + lags)
    batch = max(1, _FFT_VALUES // size)
    power = np.zeros(size // 2 + 1)
    for start in range(0, len(rows), batch):
        f = np.fft.rfft(rows[start : start + batch], size, axis=1)
        power += (f.real**2 + f.imag**2).sum(axis=0)
    out[:lags] = np.fft.irfft(power, size)[:lags]
    return out


def autocovariance(deviations: FloatArray, lengths: NDArray[np.int64], n_lags: int) -> FloatArray:
    """Compute Γ(t), t = 0 … n_lags − 1, of chains laid end to end.

    Args:
        deviations: (N,) δ_i = a_i − ā with the global mean ā.
        lengths: (R,) the chains' lengths, Σ = N.
        n_lags: not above the longest chain.
    """
    sums = np.zeros(n_lags)
    ends = np.cumsum(lengths)
    sizes, counts = np.unique(lengths, return_counts=True)
    for n in sizes:
        starts = ends[lengths == n] - n
        equal = len(starts) == len(lengths)
        rows = deviations.reshape(-1, n) if equal else deviations[starts[:, None] + np.arange(n)]
        sums += _correlate(rows, n_lags)
    pairs = (np.maximum(sizes[:, None] - np.arange(n_lags), 0) * counts[:, None]).sum(axis=0)
    gamma: FloatArray = sums / pairs
    return gamma


def automatic_window(rho: FloatArray, n_total: int, s: float) -> int:
    """Find the first W ≥ 1 with exp(−W/τ_W) < τ_W/√(W N), τ_W being S times the decay time that τ_int(W) implies.

    For anticorrelated series (ρ(1) clearly negative) |ρ| is summed instead: τ_int < ½ implies no decay time.
    """
    alternating = rho[1] < -3 / np.sqrt(n_total)
    cumulated = np.cumsum(np.abs(rho) if alternating else rho) - 0.5
    tau = np.maximum(cumulated[1:-1], 0.5 + np.finfo(float).eps)
    decay = s / np.log((2 * tau + 1) / (2 * tau - 1))
    w = np.arange(1, len(tau) + 1)
    found = np.flatnonzero(np.exp(-w / decay) < decay / np.sqrt(w * n_total))
    return int(found[0]) + 1 if len(found) else len(cumulated) - 1


def bartlett_error(rho: FloatArray, n_shown: int, w: int, n_total: int) -> FloatArray:
    """Compute the error δρ(t), t = 0 … n_shown − 1 (M. Lüscher, hep-lat/0409106, E.11).

    N δρ² = Σ_{k≥1} [ρ(k+t) + ρ(k−t) − 2ρ(t)ρ(k)]².
    ρ under the sum is cut at the window w, beyond which it is noise. With c(t) = Σ_k ρ(k)ρ(k+t) over all k
    the sum is c(0) + c(2t) − 4ρ(t)c(t) + 2ρ(t)²c(0).
    """
    cut = rho[: w + 1]
    symmetric = np.concatenate([cut[:0:-1], cut])[None]
    c = _correlate(symmetric, max(2 * n_shown, 1))
    shown = rho[:n_shown]
    squared = c[0] + c[0 : 2 * n_shown : 2] - 4 * shown * c[:n_shown] + 2 * shown**2 * c[0]
    error: FloatArray = np.sqrt(np.maximum(squared, 0.0) / n_total)
    error[0] = 0.0
    return error


def _tail_window(rho: FloatArray, n_total: int) -> tuple[int, float]:
    """Find the first W where ρ(W) is within one δρ of zero, and δρ(W + 1)."""
    last = max(len(rho) // 2 - 1, 1)
    error = bartlett_error(rho, min(last + 2, len(rho)), len(rho) - 1, n_total)
    small = np.flatnonzero(rho[1:last] < error[1:last])
    w = int(small[0]) + 1 if len(small) else last
    return w, float(error[w + 1])


def gamma_method(
    deviations: FloatArray,
    lengths: NDArray[np.int64],
    *,
    s: float = 1.5,
    window: int | None = None,
    tau_exp: float | None = None,
) -> Window:
    """Compute window, τ_int and the error of the mean of one real series with Γ(0) > 0.

    Args:
        deviations: (N,) from the global mean, chains end to end.
        lengths: (R,) chain lengths.
        s: Wolff's S, the ratio of the slowest decay time to τ_int.
        window: a fixed summation window instead of the automatic one.
        tau_exp: adds the tail τ_exp ρ(W + 1) beyond the last significant ρ.
    """
    n = len(deviations)
    gamma = autocovariance(deviations, lengths, max(int(lengths.max()) // 2, 1))
    rho = gamma / gamma[0]
    cumulated = np.cumsum(rho) - 0.5
    tail = tail_error = 0.0
    if window is not None:
        w = min(window, len(rho) - 1)
    elif tau_exp is not None and len(rho) >= 4:
        w, drho = _tail_window(rho, n)
        tail, tail_error = tau_exp * abs(float(rho[w + 1])), tau_exp * drho
    else:
        w = automatic_window(rho, n, s) if len(rho) > 2 else len(rho) - 1
    plain = max(float(cumulated[w]), 0.5 / (2 * w + 1))  # the least that W lags can resolve
    tau = plain * (1 + (2 * w + 1) / n) / (1 + 1 / n) + tail
    tau_error = float(np.hypot(plain * 2 * np.sqrt(abs(w + 0.5 - plain) / n), tail_error)) if w else 0.0
    error = float(np.sqrt(2 * tau * gamma[0] * (1 + 1 / n) / n))
    return Window(rho, float(gamma[0]), w, tau, tau_error, error)
