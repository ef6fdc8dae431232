"""What an ensemble says about itself: drift in the warm-up, memory of its start, ⟨e^{−ΔH}⟩ = 1, exactness.

Each of these concerns every estimate, also of observables that would not show it: M has mean zero by symmetry however
hot the chains still are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import stats
from sqcli.observables._base import Observable
from sqcli.runs import flags
from sqcli.runs._chosen import observable
from sqcli.runs._opened import Opened
from sqcli.stats.special import normal_quantile

Series = Sequence[NDArray[Any]]
Z_LIMIT = 4.0
MOST_LYAPUNOV = 0.2
ROUNDING = 1e-12
CERTAIN = 38.0  # the z of what cannot be by chance
FEW_DRAWS = 4  # of a chain: with fewer the memory of its start cannot be seen


def cut(series: Series, skip: int, stride: int) -> list[NDArray[Any]]:
    """Every `stride`-th draw after the first `skip`."""
    return [values[skip::stride] for values in series]


def z_of(estimate: stats.Estimate, expected: float = 0.0) -> float | None:
    """Z of the hypothesis that the truth is `expected` (the worse of real and imaginary part); None: cannot be said."""
    if estimate.value is None or estimate.error is None:
        return None
    off, error = complex(estimate.value) - expected, complex(estimate.error)
    zs = [_z(off.real, error.real, estimate.dof, abs(expected))]
    if isinstance(estimate.value, complex):
        zs.append(_z(off.imag, error.imag, estimate.dof, abs(expected)))
    return max(zs, key=abs)


def _z(off: float, error: float, dof: float | None, scale: float) -> float:
    """Where nothing fluctuates, what is off by more than rounding is so for certain."""
    if error > 0:
        return float(stats.z_score(off, error, dof) or 0.0)
    return 0.0 if abs(off) < ROUNDING * max(1.0, scale) else CERTAIN


def mean_z(chains: Series, expected: float = 0.0) -> float | None:
    """Z of the hypothesis that the mean of a series is `expected`."""
    return z_of(stats.estimate(chains)[0], expected)


def warmup_drift(opened: Opened) -> tuple[float, float, float] | None:
    """Mean over chains of the change of S/V in the last half of the warm-up, its error and z; None: not recorded."""
    if "warmup_drift" not in opened.ensemble.stat_names:
        return None
    drifts = np.array([values[0] for values in opened.ensemble.stat("warmup_drift") if len(values)])
    drifts = drifts[np.isfinite(drifts)]
    if len(drifts) < 2:
        return None
    value, error = float(drifts.mean()), float(drifts.std(ddof=1) / np.sqrt(len(drifts)))
    z = stats.z_score(value, error, len(drifts) - 1)
    return None if z is None else (value, error, z)


def exp_delta_h(opened: Opened, skip: int = 0, stride: int = 1) -> Series | None:
    """E^{−ΔH} of the draws, where trajectories were made."""
    if "delta_h" not in opened.ensemble.stat_names:
        return None
    instance = observable("exp_delta_h")
    series = cut(opened.ensemble.stat("delta_h"), skip, stride)
    return [instance.primaries([values]) for values in series]


def _drifting(opened: Opened) -> bool:
    drift = warmup_drift(opened)
    return drift is not None and abs(drift[2]) > Z_LIMIT


def watched(opened: Opened, skip: int, stride: int) -> dict[str, Series]:
    """Recorded series that tell whether chains remember their start: S, and tanh(ΔH/2), which is bounded."""
    series: dict[str, Series] = {}
    if "action" in opened.ensemble.stat_names:
        series["action"] = cut(opened.ensemble.stat("action"), skip, stride)
    if "delta_h" in opened.ensemble.stat_names:
        changes = cut(opened.ensemble.stat("delta_h"), skip, stride)
        series["delta_h"] = [np.where(np.isnan(change), 1.0, np.tanh(change / 2)) for change in changes]
    return series


def memory_z(chains: Series) -> float | None:
    """Z of the hypothesis that the chains begin as they go on, from the ranks of the draws.

    A window of one draw of four chains is far from Gaussian where the series is skewed; its normal scores are not.
    """
    values = np.concatenate(list(chains))
    if len(values) < 2 or np.ptp(values) == 0:
        return None
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(values)
    scores = normal_quantile(middle)[which]
    return stats.start_memory(np.split(scores, np.cumsum([len(c) for c in chains])[:-1]))


def _remembers(opened: Opened, skip: int, stride: int) -> bool:
    zs = [memory_z(chains) for chains in watched(opened, skip, stride).values()]
    return any(z is not None and abs(z) > Z_LIMIT for z in zs)


def _too_few(opened: Opened) -> bool:
    return opened.ensemble.attrs.get("start") in ("hot", "cold") and int(opened.ensemble.draws.max()) < FEW_DRAWS


def judgeable(chains: Series) -> bool:
    """Whether the mean is Gaussian far enough out for a z-score: e^{−ΔH} of large ΔH has tails that N draws miss.

    Lyapunov's ratio Σ|δ|³/(Σδ²)^{3/2} bounds the distance from a Gaussian (Berry and Esseen).
    """
    deviations = np.abs(np.concatenate(list(chains)))
    deviations = np.abs(deviations - deviations.mean())
    square = float((deviations**2).sum())
    return 0 < square < np.inf and float((deviations**3).sum()) < MOST_LYAPUNOV * square**1.5


def _energy_off(opened: Opened, skip: int, stride: int) -> bool:
    series = exp_delta_h(opened, skip, stride)
    z = mean_z(series, 1.0) if series is not None and judgeable(series) else None
    return z is not None and abs(z) > Z_LIMIT


def _uncorrected(opened: Opened) -> bool:
    return opened.exactness == "uncorrected"


def ensemble_flags(opened: Opened, skip: int, stride: int) -> tuple[str, ...]:
    """Flags that every estimate from these draws carries."""
    found = {
        flags.UNCORRECTED: _uncorrected(opened),
        flags.NOT_EQUILIBRATED: _drifting(opened),
        flags.START_MEMORY: _remembers(opened, skip, stride),
        flags.ONE_DRAW_PER_CHAIN: _too_few(opened),
        flags.EXP_DELTA_H_OFF: _energy_off(opened, skip, stride),
    }
    return tuple(name for name, holds in found.items() if holds)


def assumption_flags(instance: Observable, magnetization: Series | None) -> tuple[str, ...]:
    """Whether ⟨φ⟩ = 0, where the observable takes it for granted."""
    if not instance.odd_moments_vanish or magnetization is None:
        return ()
    z = mean_z(magnetization)
    return (flags.NONZERO_MEAN,) if z is not None and abs(z) > Z_LIMIT else ()
