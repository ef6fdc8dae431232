"""Langevin operator on powers of the field, L O = Σ_i (∂_i² − ∂_iS ∂_i) O: its mean is 0 (Schwinger–Dyson).

Where complex Langevin has boundary terms the mean over draws within a bound does not vanish as the bound goes up, or
does so only with what is at infinity (1808.05187, 2112.02924).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sqcli.observables._base import COMPLEX, Array, LatticeTheory, Observable


@dataclass(frozen=True)
class LangevinOperator(Observable):
    """Means of L zⁿ, n = 2, 4; of L e^{ikz}, k = 1, 2, where real parts are angles. Both pooled over sites."""

    definition: ClassVar[str] = "(1/V) sum_x (d^2/dz^2 - dS/dz d/dz) O(z), O = z^2, z^4; exp(iz), exp(2iz) of angles"
    needs: ClassVar[tuple[str, ...]] = ("observables/langevin_operator",)
    on: ClassVar[tuple[str, ...]] = (COMPLEX,)
    separable: ClassVar[bool] = True

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Names of the O."""
        return ("exp1", "exp2") if theory.loaded.manifold.period else ("2", "4")

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Means of L O over the sites of each draw, (n, 2)."""
        drift = theory.loaded.drift(fields, theory.lattice)
        terms = _of_angles(fields, drift) if theory.loaded.manifold.period else _of_powers(fields, drift)
        return np.stack([term.reshape(len(fields), -1).mean(axis=1) for term in terms], axis=1)


def _of_powers(z: Array, drift: Any) -> tuple[Array, Array]:
    square = z * z
    return 2 + 2 * z * drift, 12 * square + 4 * z * square * drift


def _of_angles(z: Array, drift: Any) -> tuple[Array, Array]:
    phase = np.exp(1j * z)
    return phase * (1j * drift - 1), phase * phase * (2j * drift - 4)
