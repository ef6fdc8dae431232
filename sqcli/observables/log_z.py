"""Log of the partition function, log Z = log⟨e^{log weight}⟩ over proposals of known density; −log Z is F/T.

Z = ∫ dφ e^{−S}, of the whole lattice (not per site). Nicoli et al., 2007.07115.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sqcli.observables._base import EVERY, Array, LatticeTheory, Observable
from sqcli.stats import Combine


@dataclass(frozen=True)
class LogZ(Observable):
    """Log Z from all proposals, also those that were not accepted; a weight NaN counts as zero."""

    definition: ClassVar[str] = "log Z = log < exp(-S - log q) >, Z = integral of exp(-S) over all field values"
    needs: ClassVar[tuple[str, ...]] = ("sample_stats/proposal_log_weight|log_weight",)
    on: ClassVar[tuple[str, ...]] = EVERY
    reweighted: ClassVar[bool] = False
    weights: ClassVar[str | None] = needs[0]

    def joint(self, chains: Sequence[Sequence[Array]]) -> list[Array]:
        """Columns e^{log weight − top} and top, the largest log weight of all."""
        logs = [np.where(np.isnan(series[0]), -np.inf, series[0]) for series in chains]
        top = max((float(values.max()) for values in logs if len(values)), default=0.0)
        with np.errstate(invalid="ignore"):  # no finite weight at all: the estimate says so
            return [np.stack([np.exp(values - top), np.full(len(values), top)], axis=1) for values in logs]

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means to the log of the first, plus the scale that was taken out."""
        return lambda m: np.log(m[0]) + m[1]
