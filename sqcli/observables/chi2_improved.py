"""Improved estimator of V⟨M²⟩ from clusters: ⟨(Σ_C φ)²/|C|⟩ (Wolff, Nucl. Phys. B 322, 759, 1989).

It equals χ₂ where ⟨M⟩ = 0, which cluster flips guarantee. Recorded by the algorithm `wolff` for the updates since the
draw before.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import Observable


@dataclass(frozen=True)
class Chi2Improved(Observable):
    """Cluster estimator of χ₂ with smaller errors than `chi2` from the same chain, above all in the symmetric phase."""

    definition: ClassVar[str] = "V <M^2> from <(sum_C phi)^2 / |C|> over the clusters flipped since the draw before"
    needs: ClassVar[tuple[str, ...]] = ("sample_stats/chi2_improved",)
