"""Propagator G(k) = ⟨|φ̃(k)|²⟩/V by p̂², measured, and the free propagator G = Z/(p̂² + m²) fitted to small p̂².

1/G = (p̂² + m²)/Z is linear in p̂², so the fit is a weighted linear one; the zero mode, which holds the disconnected
part, is left out. Modes of one ensemble are correlated, so the fit has no honest χ²: it is a guide to the eye.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.measure import measure
from sqcli.lattice.momentum import phat2

FIT_BELOW = 0.5  # p̂² of the fit's last mode
MOST_POINTS = 60  # of the figure: modes nearby on the logarithmic axis are averaged
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Modes:
    """Modes by rising p̂², without the zero mode: p̂², G and its error, each (n,)."""

    p2: Array
    value: Array
    error: Array

    @classmethod
    def measured(cls, path: Path, options: Mapping[str, Any] | None = None) -> "Modes":
        """Measure the ensemble at `path`, with options of the power spectrum."""
        report = measure(path, ["power_spectrum"], options=options)
        rows = [row for row in report.estimates if any(map(int, row["component"].split(",")))]
        modes = np.array([[int(n) for n in row["component"].split(",")] for row in rows])
        p2 = phat2(tuple(report.head["lattice"]))[tuple(modes.T)]
        numbers = np.array([[row["value"], row["error"] or np.nan] for row in rows], dtype=np.float64)
        order = np.argsort(p2, kind="stable")
        return cls(p2[order], numbers[order, 0], numbers[order, 1])

    def fit(self) -> tuple[float, float]:
        """Fit Z and m² of the free propagator at small p̂²."""
        few = max(3, int((self.p2 <= FIT_BELOW).sum()))
        p2, inverse = self.p2[:few], 1 / self.value[:few]
        weight = self.value[:few] ** 2 / np.where(np.isfinite(self.error[:few]), self.error[:few], self.value[:few])
        slope, constant = np.polyfit(p2, inverse, 1, w=weight)
        return float(1 / slope), float(constant / slope)

    def thinned(self) -> "Modes":
        """Average neighbouring modes, to at most `MOST_POINTS`; errors as if independent."""
        if len(self.p2) <= MOST_POINTS:
            return self
        edges = np.geomspace(self.p2[0], self.p2[-1] * (1 + 1e-9), MOST_POINTS + 1)
        bins = np.digitize(self.p2, edges)
        parts = [np.flatnonzero(bins == number) for number in np.unique(bins)]
        means = [(self.p2[i].mean(), self.value[i].mean(), np.sqrt((self.error[i] ** 2).sum()) / len(i)) for i in parts]
        return Modes(*np.array(means).T)
