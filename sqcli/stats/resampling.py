"""Errors by resampling binned chains: jackknife, bootstrap, and how the error grows with the bin size.

B. Efron, Ann. Statist. 7 (1979) 1. Bins never cross from one chain into the next; a remainder shorter than a bin
is left out at the chain's end. Errors are right once bins are much longer than the autocorrelation time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sqcli.errors import UsageError
from sqcli.stats.means import lay_end_to_end, real_columns
from sqcli.stats.results import AnyArray, Chains, Combine, FloatArray

_BATCH_VALUES = 1 << 22  # of the table of bootstrap multiplicities held at once


@dataclass(frozen=True)
class BinnedError:
    """The jackknife error (c,) at one bin size, and its own relative error 1/√(2(bins − 1))."""

    bin_size: int
    bins: int
    error: AnyArray
    relative_error: float


def bin_means(chains: Chains, bin_size: int = 1) -> AnyArray:
    """(bins, p) means of `bin_size` successive draws.

    Raises:
        UsageError: fewer than two bins.
    """
    if bin_size < 1:
        raise UsageError(f"bin size is {bin_size}; it must be 1 or more")
    data, lengths = lay_end_to_end(chains)
    starts = np.cumsum(lengths) - lengths
    rows = [data[a : a + n // bin_size * bin_size] for a, n in zip(starts, lengths, strict=True)]
    whole = np.concatenate(rows) if rows else data
    if len(whole) < 2 * bin_size:
        raise UsageError(f"bins of {bin_size} draws leave fewer than two bins; choose a smaller bin size")
    out: AnyArray = whole.reshape(-1, bin_size, data.shape[1]).mean(axis=1)
    return out


def _apply(combine: Combine | None, means: AnyArray) -> AnyArray:
    """(n, p) -> (n, c), row by row: a derived quantity is not asked to be vectorised."""
    if combine is None:
        return means
    return np.stack([np.atleast_1d(combine(m)) for m in means])


def _spread(samples: AnyArray, factor: float) -> AnyArray:
    """√(factor · Σ (x − x̄)²) per column; real and imaginary parts apart."""
    columns = real_columns(samples)
    error: FloatArray = np.sqrt(factor * ((columns - columns.mean(axis=0)) ** 2).sum(axis=0))
    c = samples.shape[1]
    return error[:c] + 1j * error[c:] if np.iscomplexobj(samples) else error


def jackknife(chains: Chains, combine: Combine | None = None, *, bin_size: int = 1) -> tuple[AnyArray, AnyArray]:
    """Value (c,) at the means of all bins, and its error (c,) by leaving out one bin at a time.

    Errors are complex (re and im apart) where the values are.
    """
    bins = bin_means(chains, bin_size)
    n = len(bins)
    mean = bins.mean(axis=0)
    samples = _apply(combine, mean + (mean - bins) / (n - 1))
    return _apply(combine, mean[None])[0], _spread(samples, (n - 1) / n)


def bootstrap(
    chains: Chains,
    combine: Combine | None = None,
    *,
    bin_size: int = 1,
    samples: int = 1000,
    rng: "np.random.Generator",  # a text: numpy loads its generators when they are named
) -> tuple[AnyArray, AnyArray]:
    """Value (c,) at the means of all bins, and the spread (c,) over `samples` redrawn sets of bins."""
    if samples < 2:
        raise UsageError(f"samples is {samples}; a bootstrap needs two or more")
    bins = bin_means(chains, bin_size)
    n = len(bins)
    batch = max(1, _BATCH_VALUES // n)
    means = [
        rng.multinomial(n, np.full(n, 1 / n), size=min(batch, samples - done)) @ bins / n
        for done in range(0, samples, batch)
    ]
    redrawn = _apply(combine, np.concatenate(means))
    return _apply(combine, bins.mean(axis=0)[None])[0], _spread(redrawn, 1 / (samples - 1))


def binning_scan(
    chains: Chains, combine: Combine | None = None, *, bin_sizes: Sequence[int] | None = None
) -> list[BinnedError]:
    """Jackknife errors for growing bins (unless given: powers of two that leave 16 bins): look for a plateau."""
    if bin_sizes is None:
        _, lengths = lay_end_to_end(chains)
        largest = int(lengths.max()) if len(lengths) else 0
        candidates = [1 << j for j in range(largest.bit_length())]
        bin_sizes = [b for b in candidates if int((lengths // b).sum()) >= 16]
    scan = []
    for size in bin_sizes:
        bins = bin_means(chains, size)
        _, error = jackknife([bins], combine)
        scan.append(BinnedError(size, len(bins), error, 1 / np.sqrt(2 * (len(bins) - 1))))
    return scan
