"""Functions of means: their gradient, the series projected on it, and whole chains left out.

Projected series and numerical gradient: Wolff, hep-lat/0306017, eqs. 13, 38. Jackknife over chains of unequal
length: Busing, Meijer, van der Leeden, Statistics and Computing 9 (1999) 3 (delete-m_j jackknife).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError
from sqcli.stats.results import AnyArray, Chains, Combine, FloatArray

_MOST_CHAINS_LEFT_OUT = 256  # with more, each one matters so little that the linearisation is as good, and cheaper
_ROUNDING = 8 * np.finfo(float).eps
_SHRUNK = (1.0, 1e-3, 1e-5, 1e-7)  # steps of the gradient, tried until the function exists on both sides


@dataclass(frozen=True)
class Means:
    """Function of means, and chains end to end projected on it, in real columns (real parts, then imaginary parts).

    `value` (c,) as combine gave it; `series` (N, k) projected deviations, `chain_values` (R, k) jackknife
    pseudo-values of whole chains (their means, for linear functions), `constant` (k,), k = c or 2c. `flat` (k,): the
    projection vanishes though the function does not stay the same, as for the variance of two numbers.
    """

    value: AnyArray
    lengths: NDArray[np.int64]
    series: FloatArray
    chain_values: FloatArray
    constant: NDArray[np.bool_]
    flat: NDArray[np.bool_]

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """True where value and projection are finite, (k,)."""
        good: NDArray[np.bool_] = np.isfinite(real_columns(self.value)) & np.isfinite(self.series).all(axis=0)
        return good


def real_columns(a: AnyArray) -> FloatArray:
    """Lay real parts, then (for complex arrays) imaginary parts, along the last axis."""
    return np.concatenate([a.real, a.imag], axis=-1) if np.iscomplexobj(a) else np.asarray(a, dtype=np.float64)


def lay_end_to_end(chains: Chains) -> tuple[AnyArray, NDArray[np.int64]]:
    """Join the chains that hold draws to (N, p), with their lengths (R,); p must agree."""
    arrays = [np.asarray(c) for c in chains]
    arrays = [a[:, None] if a.ndim == 1 else a for a in arrays if len(a)]
    if any(a.ndim != 2 or a.shape[1] != arrays[0].shape[1] for a in arrays):
        raise SqcliError("chains of one series must be (n,) or (n, p) arrays with the same p")
    lengths = np.array([len(a) for a in arrays], dtype=np.int64)
    if not arrays:
        return np.zeros((0, 1)), lengths
    data = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    return np.asarray(data, dtype=np.complex128 if np.iscomplexobj(data) else np.float64), lengths


def chain_sums(columns: AnyArray, lengths: NDArray[np.int64]) -> AnyArray:
    """Sum each chain of numbers laid end to end, (N, …) -> (R, …)."""
    return np.asarray(np.add.reduceat(columns, np.cumsum(lengths) - lengths, axis=0))


def chain_means(columns: AnyArray, lengths: NDArray[np.int64]) -> AnyArray:
    """Compute the mean of each chain of numbers laid end to end, (N, …) -> (R, …)."""
    sums = chain_sums(columns, lengths)
    return np.asarray(sums / lengths.reshape(-1, *(1,) * (sums.ndim - 1)))


def _mean(column: AnyArray) -> complex | float:
    """Compute a mean, summed pairwise as `numpy.mean` does for one real series; real and imaginary parts apart."""
    if np.iscomplexobj(column):
        return complex(np.mean(np.ascontiguousarray(column.real)), np.mean(np.ascontiguousarray(column.imag)))
    return float(np.mean(np.ascontiguousarray(column)))


def rms(columns: FloatArray) -> FloatArray:
    """Compute the root mean squares (k,) of columns (N, k), also where squares would overflow or vanish."""
    size = np.abs(columns).max(axis=0, initial=0.0)
    unit = np.where((size > 1e-140) & (size < 1e140), 1.0, np.where(size > 0, size, 1.0))
    found: FloatArray = np.sqrt(np.mean((columns / unit) ** 2, axis=0)) * unit
    return found


def _slope(combine: Combine, mean: AnyArray, direction: AnyArray, h: float) -> FloatArray:
    """Take central differences (k,); where the function ends within the step, as √x does near 0, with a smaller one."""
    found: FloatArray | None = None
    for step in (h * part for part in _SHRUNK):
        ahead, behind = (real_columns(np.atleast_1d(combine(mean + sign * step * direction))) for sign in (1, -1))
        new = (ahead - behind) / (2 * step)
        found = new if found is None else np.where(np.isfinite(found), found, new)
        if np.isfinite(found).all():
            break
    return np.zeros(0) if found is None else found


def _gradient(combine: Combine, mean: AnyArray, step: FloatArray, width: int) -> FloatArray:
    """Differentiate k real columns by the P of the means, (k, P); `step` (P,) is 0 where nothing fluctuates."""
    n_primaries = len(mean)
    slopes = []
    for column, h in enumerate(step):
        direction = np.zeros_like(mean)
        direction[column % n_primaries] = 1 if column < n_primaries else 1j
        slopes.append(_slope(combine, mean, direction, float(h)) if h > 0 else np.zeros(width))
    return np.stack(slopes, axis=1)


def _stays(combine: Combine, data: AnyArray, value: AnyArray) -> NDArray[np.bool_]:
    """Tell whether the function of the means of some of the draws is what it is for all of them, (k,)."""
    parts = [data[:1].mean(axis=0), data[: -(-len(data) // 2)].mean(axis=0), data[-1:].mean(axis=0)]
    found = np.stack([real_columns(np.atleast_1d(combine(part))) for part in parts])
    whole = real_columns(value)
    same = np.abs(found - whole) <= np.sqrt(np.finfo(float).eps) * np.abs(whole)
    stays: NDArray[np.bool_] = (same | ~np.isfinite(found)).all(axis=0)
    return stays


def _left_out(combine: Combine, data: AnyArray, lengths: NDArray[np.int64], value: AnyArray) -> FloatArray:
    """Compute pseudo-values h_j θ − (h_j − 1) θ_(j), h_j = N/n_j, with θ_(j) from all chains but j: (R, k)."""
    n = lengths.sum()
    means = chain_means(data, lengths)
    total = (means * lengths[:, None]).sum(axis=0)
    weight = (n / lengths)[:, None]
    without = [np.atleast_1d(combine((total - m * size) / (n - size))) for m, size in zip(means, lengths, strict=True)]
    return real_columns(weight * value - (weight - 1) * np.stack(without))


def project(chains: Chains, combine: Combine | None) -> Means:
    """Evaluate `combine` at the global means, and linearise it along the chains."""
    data, lengths = lay_end_to_end(chains)
    mean = np.array([_mean(column) for column in data.T])
    deviations = real_columns(data - mean)
    if combine is None:
        scale = np.abs(real_columns(mean))
        value, series = mean, deviations
    else:
        value = np.atleast_1d(combine(mean))
        step = rms(deviations) / np.sqrt(len(data))
        gradient = _gradient(combine, mean, step, len(real_columns(value)))
        series = deviations @ gradient.T
        scale = np.abs(gradient) @ np.abs(real_columns(mean)) + np.sqrt(len(data)) * np.abs(real_columns(value))
    if combine is not None and 1 < len(lengths) <= _MOST_CHAINS_LEFT_OUT:
        chain_values = _left_out(combine, data, lengths, value)
    else:
        chain_values = chain_means(series, lengths) + real_columns(value)
    still = rms(series) <= _ROUNDING * scale
    stays = _stays(combine, data, value) if combine is not None and still.any() else np.ones_like(still)
    return Means(value, lengths, series, chain_values, still & stays, still & ~stays)


def between_chains_error(chain_values: FloatArray, lengths: NDArray[np.int64]) -> FloatArray | None:
    """Compute errors (k,) from the scatter of pseudo-values (R, k); None for one chain."""
    if len(lengths) < 2:
        return None
    weight = lengths.sum() / lengths
    centre = (chain_values / weight[:, None]).sum(axis=0)
    error: FloatArray = np.sqrt(np.mean((chain_values - centre) ** 2 / (weight - 1)[:, None], axis=0))
    return error
