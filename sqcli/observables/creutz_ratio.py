"""Creutz ratios χ(R,T) = −ln[W(R,T) W(R−1,T−1) / (W(R,T−1) W(R−1,T))] (Creutz, Phys. Rev. Lett. 45, 313, 1980).

Perimeter and corners of the loops cancel: at large R, T the ratio is the string tension. A loop without area is 1, so
that χ(1,1) = −ln W(1,1). `sizes` names ratios as `wilson_loop` names loops, of links that are smeared as there. All
loops that enter are kept in one series, so that the errors know how they fluctuate together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sqcli.observables._base import LatticeTheory
from sqcli.observables._links import Size
from sqcli.observables._rectangles import SMALL, RectangleObservable, label, named
from sqcli.observables.wilson_loop import WilsonLoop
from sqcli.stats import Combine


@dataclass(frozen=True)
class CreutzRatio(RectangleObservable):
    """Creutz ratios χ(R,T) of the `sizes` named, from means of Wilson loops."""

    definition: ClassVar[str] = "-ln [W(R,T) W(R-1,T-1) / (W(R,T-1) W(R-1,T))], W = Wilson loop, 1 without area"
    needs: ClassVar[tuple[str, ...]] = ("observables/wilson_loop",)

    def handed_on(self) -> Mapping[str, Any]:
        """Sizes of all loops that enter, and the smearing; ratios of small loops are made of small ones."""
        if self.sizes == SMALL:
            return {**self.smearing_options, "sizes": SMALL}
        entering = sorted({loop for size in named(self.sizes) for loop in _powers(size)})
        return {**self.smearing_options, "sizes": ",".join(map(label, entering))}

    def function(self, theory: LatticeTheory) -> Combine:
        """Map of the means of the loops to the ratios; not a number where a loop is lost in noise."""
        known = WilsonLoop(**self.handed_on()).rectangles(theory.lattice)
        powers = [_powers(size) for size in self.rectangles(theory.lattice)]
        matrix = np.array([[float(row.get(loop, 0)) for loop in known] for row in powers])
        return lambda means: -matrix @ np.log(means)


def _powers(size: Size) -> dict[Size, int]:
    """Map the loops of a ratio, shorter side first, to the powers with which they enter."""
    r, t = sorted(size)
    found: dict[Size, int] = {}
    for (a, b), power in (((r, t), 1), ((r - 1, t - 1), 1), ((r, t - 1), -1), ((r - 1, t), -1)):
        if min(a, b) > 0:
            loop = (min(a, b), max(a, b))
            found[loop] = found.get(loop, 0) + power
    return found
