"""How well the effective action −log q of a model follows the action: R² of S_eff = S + c over the draws.

With log weights log w = −S − log q, S_eff − S = log w and R² = 1 − var(log w)/var(S) (2309.17082: 0.960).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import EVERY, Array, LatticeTheory, Observable
from sqcli.stats import Combine


@dataclass(frozen=True)
class EffectiveActionR2(Observable):
    """R² over the draws as they are, without weights; draws of weight zero are left out."""

    definition: ClassVar[str] = "R^2 = 1 - var(log w) / var(S), log w = -S - log q, over the draws"
    needs: ClassVar[tuple[str, ...]] = ("sample_stats/action", "sample_stats/log_weight")
    on: ClassVar[tuple[str, ...]] = EVERY
    reweighted: ClassVar[bool] = False

    def joint(self, chains: Sequence[Sequence[Array]]) -> list[Array]:
        """Columns 1, S², S, (log w)², log w, centred over all draws; zeros for a draw that does not count."""
        action, log_w = (np.concatenate([series[i] for series in chains]) for i in range(2))
        good = np.isfinite(action) & np.isfinite(log_w)
        centre = (action[good].mean(), log_w[good].mean()) if good.any() else (0.0, 0.0)
        return [_powers(series, centre) for series in chains]

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means to 1 − var(log w)/var(S)."""
        return lambda m: 1 - (m[3] / m[0] - (m[4] / m[0]) ** 2) / (m[1] / m[0] - (m[2] / m[0]) ** 2)


def _powers(series: Sequence[Array], centre: tuple[float, float]) -> Array:
    good = np.isfinite(series[0]) & np.isfinite(series[1])
    action, log_w = (np.where(good, values - middle, 0.0) for values, middle in zip(series, centre, strict=True))
    return np.stack([good, action**2, action, log_w**2, log_w], axis=1)
