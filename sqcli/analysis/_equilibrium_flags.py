"""Signs of equilibrium in an ensemble: drift in the warm-up, memory of its start, ⟨e^{−ΔH}⟩ = 1, exactness.

Each of these concerns every estimate, also of observables that would not show it: M has mean zero by symmetry however
hot the chains still are.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import stats
from sqcli.analysis import flags
from sqcli.analysis.ensemble import MeasuredEnsemble
from sqcli.observables import Observable
from sqcli.stats import Chains

Z_LIMIT = 4.0
ROUNDING = 1e-12
TUNING = 0.04  # of the spread of S: what a step that is still being tuned in the third quarter shifts
OUTLIERS = 3.0  # draws that may be missing from the tails
FEW_DRAWS = 4  # of a chain: with fewer the memory of its start cannot be seen


def cut(series: Chains, skip: int, stride: int) -> list[NDArray[Any]]:
    """Take every `stride`-th draw after the first `skip`."""
    return [values[skip::stride] for values in series]


def z_of(estimate: stats.Estimate, expected: float = 0.0, outliers: float = OUTLIERS) -> float | None:
    """Z of the hypothesis that the truth is `expected` (the worse of real and imaginary part); None: cannot be said.

    The deviation is diminished by what `outliers` more draws as extreme as the most extreme one would mend: the tails
    may not have been seen.
    """
    if estimate.value is None or estimate.error is None:
        return None
    off, error = complex(estimate.value) - expected, complex(estimate.error)
    parts = [(off.real, error.real), (off.imag, error.imag)][: 1 + isinstance(estimate.value, complex)]
    if len(parts) == 2:  # one may be nothing but the rounding of the other
        rounding = ROUNDING * max(abs(complex(estimate.value)), abs(expected))
        parts = [(0.0 if abs(part) < rounding else part, each) for part, each in parts]
    spare = outliers * (estimate.outlier or 0.0)
    z = max((_z(*part, estimate.dof, abs(expected), spare) for part in parts), key=abs)
    skewness = estimate.lyapunov or 0.0 if outliers else 0.0  # makes t large on the side of the missing tail
    return z / (1 + skewness * abs(z) / 3)


def _z(off: float, error: float, dof: float | None, scale: float, spare: float) -> float:
    """Z of a deviation less `spare`; where nothing fluctuates, what is off by more than rounding is so for certain."""
    if error > 0:
        off = math.copysign(max(0.0, abs(off) - spare), off)
        return float(stats.z_score(off, error, dof) or 0.0)
    return 0.0 if abs(off) < ROUNDING * max(1.0, scale) else stats.CERTAIN


def mean_z(chains: Chains, expected: float = 0.0) -> float | None:
    """Z of the hypothesis that the mean of a series is `expected`."""
    return z_of(stats.estimate(chains)[0], expected)


def warmup_drift(opened: MeasuredEnsemble, action: Chains | None = None) -> tuple[float, float, float] | None:
    """Mean over chains of the change of S/V in the last half of the warm-up, its error and z; None: not recorded."""
    if "warmup_drift" not in opened.ensemble.stat_names:
        return None
    drifts = np.array([values[0] for values in opened.ensemble.stat("warmup_drift") if len(values)])
    drifts = drifts[np.isfinite(drifts)]
    if len(drifts) < 2 or np.ptp(drifts) == 0:
        return None
    value, error = float(drifts.mean()), float(drifts.std(ddof=1) / np.sqrt(len(drifts)))
    _, outlier = stats.tails(drifts - value)
    matters = math.hypot(error, TUNING * _spread(opened, action))
    return value, error, _z(value, matters, len(drifts) - 1, 0.0, OUTLIERS * outlier)


def _spread(opened: MeasuredEnsemble, action: Chains | None) -> float:
    """Standard deviation of S/V from draw to draw; 0 where S is not known."""
    if action is None and "action" in opened.ensemble.stat_names:
        action = opened.ensemble.stat("action")
    spread = 0.0 if action is None else float(np.concatenate(list(action)).std()) / opened.lattice.volume
    return spread if math.isfinite(spread) else 0.0


def energy_changes(opened: MeasuredEnsemble, skip: int, stride: int) -> Chains | None:
    """Energy changes ΔH of the draws, where trajectories were made; ∞ for one that diverged to NaN."""
    if "delta_h" not in opened.ensemble.stat_names:
        return None
    return [np.where(np.isnan(change), np.inf, change) for change in cut(opened.ensemble.stat("delta_h"), skip, stride)]


def energy_balance(changes: Chains) -> stats.Estimate:
    """Mean of h(ΔH) = (1 − e^{−ΔH})/(2 cosh ½ΔH)², zero in equilibrium for reversible, area-preserving moves.

    For these ⟨g(ΔH)⟩ = ⟨g(−ΔH) e^{−ΔH}⟩ with any g, ⟨e^{−ΔH}⟩ = 1 being that with g = 1 (Creutz, 1988). This one is
    bounded: trajectories that diverge, whose partners are never seen, count as nothing.
    """
    x = np.concatenate(list(changes))
    e = np.exp(-np.abs(x))
    h = np.sign(x) * (1 - e) * np.where(x < 0, 1.0, e) / (1 + e) ** 2
    return stats.estimate(stats.apart(h, changes))[0]


def _drifting(opened: MeasuredEnsemble) -> bool:
    drift = warmup_drift(opened)
    return drift is not None and abs(drift[2]) > Z_LIMIT


def watched(opened: MeasuredEnsemble, skip: int, stride: int) -> dict[str, Chains]:
    """Recorded series that tell whether chains remember their start: S, and tanh(ΔH/2), which is bounded."""
    series: dict[str, Chains] = {}
    if "action" in opened.ensemble.stat_names:
        series["action"] = cut(opened.ensemble.stat("action"), skip, stride)
    changes = energy_changes(opened, skip, stride)
    return series if changes is None else series | {"delta_h": [np.tanh(change / 2) for change in changes]}


def memory_z(chains: Chains) -> float | None:
    """Z of the hypothesis that the chains begin as they go on, from the ranks of the draws.

    A window of one draw of four chains is far from Gaussian where the series is skewed; its normal scores are not.
    """
    values = np.concatenate(list(chains))
    if len(values) < 2 or not np.isfinite(values).all() or np.ptp(values) == 0:
        return None
    return stats.start_memory(stats.apart(stats.normal_scores(values), chains))


def _remembers(opened: MeasuredEnsemble, skip: int, stride: int) -> bool:
    zs = [memory_z(chains) for chains in watched(opened, skip, stride).values()]
    return any(z is not None and abs(z) > Z_LIMIT for z in zs)


def _too_few(opened: MeasuredEnsemble) -> bool:
    return opened.ensemble.attrs.get("start") in ("hot", "cold") and int(opened.ensemble.draws.max()) < FEW_DRAWS


def _energy_off(opened: MeasuredEnsemble, skip: int, stride: int) -> bool:
    changes = energy_changes(opened, skip, stride)
    z = None if changes is None else z_of(energy_balance(changes))
    return z is not None and abs(z) > Z_LIMIT


def _uncorrected(opened: MeasuredEnsemble) -> bool:
    return opened.exactness == "uncorrected"


def ensemble_flags(opened: MeasuredEnsemble, skip: int, stride: int) -> tuple[str, ...]:
    """Flags that every estimate from these draws carries."""
    found = {
        flags.UNCORRECTED: _uncorrected(opened),
        flags.NOT_EQUILIBRATED: _drifting(opened),
        flags.START_MEMORY: _remembers(opened, skip, stride),
        flags.EQUILIBRIUM_UNKNOWN: _too_few(opened),
        flags.EXP_DELTA_H_OFF: _energy_off(opened, skip, stride),
    }
    return tuple(name for name, holds in found.items() if holds)


def assumption_flags(instance: Observable, magnetization: Chains | None) -> tuple[str, ...]:
    """Flags of an observable that takes ⟨φ⟩ = 0 for granted: whether it is so."""
    if not instance.odd_moments_vanish or magnetization is None:
        return ()
    z = mean_z(magnetization)
    return (flags.NONZERO_MEAN,) if z is not None and abs(z) > Z_LIMIT else ()
