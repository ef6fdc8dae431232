"""Mixing of chains: R̂, which says whether they agree, and the memory of their start.

R̂: split chains, rank normalised, the larger of bulk and folded: Vehtari, Gelman, Simpson, Carpenter, Bürkner,
1903.08008. Memory of the start: means over growing windows at the head, against the mean of the second half.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sqcli.stats.gamma import gamma_method
from sqcli.stats.means import chain_means, chain_sums
from sqcli.stats.results import AnyArray, Chains, FloatArray
from sqcli.stats.special import CERTAIN, normal_quantile, normal_upper_quantile, student_p

_RANKED = 1 << 15  # more values than these are thinned evenly before ranking: R̂ is then known to 3e−4


def _rank_normalised(values: FloatArray) -> FloatArray:
    """Replace values (N,) by Φ⁻¹((r − 3/8)/(N + 1/4)) with their ranks r, averaged for ties."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    edges = np.append(np.flatnonzero(first), len(values))
    average = 0.5 * (edges[1:] + edges[:-1] + 1)
    ranks = np.empty(len(values))
    ranks[order] = average[np.cumsum(first) - 1]
    return normal_quantile((ranks - 0.375) / (len(values) + 0.25))


def _plain_rhat(values: FloatArray, lengths: NDArray[np.int64]) -> float | None:
    """Compute R̂ = √(V/W) of sub-chains laid end to end, which count by their length; None where none fluctuates."""
    means = chain_means(values, lengths)
    squares = chain_sums((values - np.repeat(means, lengths)) ** 2, lengths)
    within = float(squares.sum() / (lengths - 1).sum())
    if within <= 0:
        return None
    weight = lengths / lengths.sum()
    between = float(weight @ (means - weight @ means) ** 2 / (1 - weight @ weight))
    n = float(weight @ lengths)
    return math.sqrt((n - 1) / n + between / within)


def _halves(values: FloatArray, lengths: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Cut chains of at least four draws into halves, end to end, thinned where there are very many draws."""
    step = max(1, -(-len(values) // _RANKED))
    parts = []
    for end, n in zip(np.cumsum(lengths), lengths, strict=True):
        chain = values[end - n : end : step if n >= 8 * step else 1]
        half = len(chain) // 2
        if half >= 2:
            parts += [chain[:half], chain[-half:]]
    sizes = np.array([len(p) for p in parts], dtype=np.int64)
    return (np.concatenate(parts) if parts else np.zeros(0)), sizes


def split_rhat(values: FloatArray, lengths: NDArray[np.int64]) -> float | None:
    """Compute R̂ of one real series, chains end to end: (N,), (R,); None where chains are too short or nothing moves."""
    halves, sizes = _halves(values, lengths)
    if not len(sizes):
        return None
    if (halves == halves[0]).all():
        return None
    folded = np.abs(halves - np.median(halves))
    both = [_plain_rhat(_rank_normalised(v), sizes) for v in (halves, folded)]
    # chains that are each constant but differ have W = 0: no mixing at all
    return math.inf if both[0] is None else max(r for r in both if r is not None)


def mixed(values: FloatArray, lengths: NDArray[np.int64], rhat: float | None, tau_within: float) -> bool:
    """Tell whether R̂ is below 1.01 plus what independent half-chains of finite length scatter anyway.

    For R half-chains of n draws E[R̂²] − 1 ≈ 2τ/n; the allowance is half as much again, times the 1e−4 quantile
    of χ²_{R−1}/(R − 1) (Laurent–Massart bound). τ is measured about each chain's own mean, so that chains that
    sit apart do not excuse themselves.
    """
    if rhat is None:
        return True
    half = float(lengths @ lengths) / len(values) / 2
    dof = max(2 * len(lengths) - 1, 1)
    quantile = 1 + 2 * math.sqrt(9 / dof) + 18 / dof
    return rhat**2 < 1.01**2 + 1.5 * 2 * tau_within / half * quantile


def _window_variance(size: int, n_chains: int, variance: float, rho: FloatArray) -> float:
    """Compute the variance of a mean over `size` successive draws of `n_chains` chains, from Γ(0) and ρ(0 … W)."""
    t = np.arange(1, min(size, len(rho)))
    factor = 1 + 2 * float((1 - t / size) @ rho[1 : len(t) + 1])
    return variance * max(factor, 1 / size) / (size * n_chains)


def memory_z(values: FloatArray, lengths: NDArray[np.int64]) -> float | None:
    """Compute z of the most deviant head window of one real series, chains end to end; None where it cannot be said.

    Windows [0, 2^j) up to a quarter of the chains, averaged over the chains, against the mean of the second
    halves. Errors come from Γ(t) of the second halves, summed to the window's length; Student's t takes its degrees
    of freedom from how well that sum is known, and the best of many windows is paid for (Šidák).
    """
    keep = lengths >= max(int(lengths.max()) // 2, 8)
    if not keep.any():
        return None
    kept = [values[end - n : end] for end, n in zip(np.cumsum(lengths)[keep], lengths[keep], strict=True)]
    shortest = min(len(c) for c in kept)
    tail = np.concatenate([c[len(c) // 2 :] for c in kept])
    sizes = np.array([len(c) - len(c) // 2 for c in kept], dtype=np.int64)
    centre = tail.mean()
    heads = np.cumsum(np.mean([c[: shortest // 4] for c in kept], axis=0) - centre)
    if tail.std() <= 1e-14 * abs(centre):
        return None if abs(heads[0]) <= 1e-13 * abs(centre) else math.copysign(CERTAIN, heads[0])
    g = gamma_method(tail - centre, sizes)
    variance = g.variance * (1 + 2 * g.tau / len(tail))
    rho = g.rho[: g.w + 1]
    tail_variance = _window_variance(int(sizes.mean()), len(kept), variance, rho)
    squares = float(rho @ rho) * 2 - 1  # 2τ of the squared series: how well the variance is known
    windows = [1 << j for j in range(len(heads).bit_length())]
    found = (0.0, 1.0)
    for h in windows:
        t = heads[h - 1] / h / math.sqrt(_window_variance(h, len(kept), variance, rho) + tail_variance)
        p = student_p(t, max(len(tail) / (2 * min(h - 1, g.w) + squares), 1.0))
        found = min(found, (t, p), key=lambda pair: pair[1])
    p = -math.expm1(len(windows) * math.log1p(-found[1])) if found[1] < 1 else 1.0
    return math.copysign(normal_upper_quantile(p / 2), found[0])


def _columns(chains: Chains) -> tuple[list[FloatArray], NDArray[np.int64]]:
    arrays: list[AnyArray] = [np.asarray(c).ravel() for c in chains if len(c)]
    lengths = np.array([len(a) for a in arrays], dtype=np.int64)
    data = np.concatenate(arrays) if arrays else np.zeros(0)
    parts = [data.real, data.imag] if np.iscomplexobj(data) else [np.asarray(data, dtype=np.float64)]
    return [np.ascontiguousarray(p) for p in parts], lengths


def rhat(chains: Chains) -> float | None:
    """Compute R̂ of one series per chain, (n_i,) each; for complex series the larger of the two parts.

    None where the chains hold fewer than four draws or nothing fluctuates; inf for constant chains that differ.
    """
    parts, lengths = _columns(chains)
    found = [r for p in parts if (r := split_rhat(p, lengths)) is not None]
    return max(found) if found else None


def start_memory(chains: Chains) -> float | None:
    """Test whether chains, (n_i,) each, begin as they go on, and return z; of complex series the larger one.

    None where the chains are shorter than eight draws or constant. |z| > 4: they remember their start.
    """
    parts, lengths = _columns(chains)
    if not len(lengths):
        return None
    found = [z for p in parts if (z := memory_z(p, lengths)) is not None]
    return max(found, key=abs) if found else None
