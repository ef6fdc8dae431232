"""Results of an error analysis. Nothing here is ever NaN: a number that cannot be said is None."""

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
AnyArray = NDArray[Any]
Chains = Sequence[AnyArray]
"""One float64 or complex128 array per chain, (n_i, p) or (n_i,); the n_i may differ."""
Combine = Callable[[AnyArray], Any]
"""A derived quantity of the means: (p,) -> (c,) or a scalar."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimate of a mean, or of a function of means: its error, and what is known about its trustworthiness.

    `value` and `error` are complex together: the error's real part belongs to the real part.
    `tau_int` is in units of draws, ½ for white noise; for complex values that of the slower part.
    `error` is the one to use, `error_method` ("gamma" or "between_chains") says where it comes from;
    `between_chains_error` stands beside it whenever there are two chains.
    `dof` is the effective number of degrees of freedom behind `error` (Student's t).
    `lyapunov` and `outlier` tell how far the mean is from Gaussian: see `series_estimate.tails`.
    `flags` are keys of `sqcli.stats.FLAGS`.
    """

    value: complex | float | None
    error: complex | float | None
    tau_int: float | None
    tau_int_error: float | None
    ess: float | None
    error_method: str | None
    between_chains_error: complex | float | None
    window: int | None
    rhat: float | None
    q_value: float | None
    flags: tuple[str, ...] = ()
    weighted: bool = False
    dof: float | None = None
    lyapunov: float | None = None
    outlier: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Autocorrelation:
    """Normalised autocorrelation function ρ(t), t = 0 … len(rho) − 1, and its integral; unit: draws.

    `tau_int` = ½ + Σ_{t=1}^{window} ρ(t), bias corrected; None, with a flag, where the chains are too
    short to say. `tau_exp` is the one given, or the decay of ρ where that can be measured.
    """

    rho: FloatArray
    rho_error: FloatArray
    tau_int: float | None
    tau_int_error: float | None
    window: int | None
    s: float
    tau_exp: float | None
    ess: float | None
    rhat: float | None
    flags: tuple[str, ...] = ()


def apart(values: AnyArray, chains: Sequence[Sized]) -> list[AnyArray]:
    """Cut numbers laid end to end into views, each as long as one of `chains`; `numpy.split` is slow for many."""
    ends = list(accumulate(map(len, chains)))
    return [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def real_parts(series: Mapping[str, Chains]) -> dict[str, Chains]:
    """Take complex series apart into real ones by name, the imaginary parts as `NAME_im`; real ones stay."""
    found: dict[str, Chains] = {}
    for name, chains in series.items():
        found[name] = [np.real(values) for values in chains]
        if any(np.iscomplexobj(values) for values in chains):
            found[f"{name}_im"] = [np.imag(values) for values in chains]
    return found
