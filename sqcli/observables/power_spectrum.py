"""Power spectrum ⟨|φ̃(k)|²⟩/V, φ̃(k) = Σ_x e^{−ikx} φ(x), by integer mode numbers k_μ = 2πn_μ/L_μ.

Modes that the lattice's symmetries map into one another are averaged in each draw: reflections always, permutations
of the axes where all extents are equal (then n₁ ≥ n₂ ≥ … ≥ 0).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array, Model, Observable


@lru_cache(maxsize=8)
def classes(extents: tuple[int, ...]) -> tuple[tuple[str, ...], Array, Array, Array]:
    """Labels of the classes of modes; then the order that sorts the half spectrum of `rfftn` by class, the start of
    each class in it, and each mode's share in the mean of its class.
    """
    half = (*extents[:-1], extents[-1] // 2 + 1)
    numbers = np.indices(half).reshape(len(extents), -1)
    folded = np.minimum(numbers, np.array(extents)[:, None] - numbers)
    if len(set(extents)) == 1:
        folded = -np.sort(-folded, axis=0)
    modes, inverse = np.unique(folded, axis=1, return_inverse=True)
    inverse = inverse.ravel()
    own_mirror = (numbers[-1] == 0) | (2 * numbers[-1] == extents[-1])
    count = np.where(own_mirror, 1.0, 2.0)  # the other half of the spectrum
    order = np.argsort(inverse, kind="stable")
    share = (count / np.bincount(inverse, count)[inverse])[order]
    starts = np.searchsorted(inverse[order], np.arange(modes.shape[1]))
    return tuple(",".join(map(str, mode)) for mode in modes.T), order, starts, share


@dataclass(frozen=True)
class PowerSpectrum(Observable):
    """⟨|φ̃(k)|²⟩/V, nothing subtracted: mode 0 is V⟨M²⟩."""

    definition: ClassVar[str] = "|phi~(k)|^2 / V averaged over equivalent modes, phi~(k) = sum_x exp(-ikx) phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/power_spectrum",)
    separable: ClassVar[bool] = True
    on: ClassVar[tuple[str, ...]] = ("phi", "x")

    def components(self, lattice: Lattice) -> tuple[str, ...]:
        """Mode numbers "n1,n2,…"."""
        return classes(lattice.extents)[0]

    def series(self, fields: Array, model: Model) -> Array:
        """(n, classes)."""
        _, order, starts, share = classes(model.lattice.extents)
        modes = np.fft.rfftn(fields, axes=tuple(range(1, fields.ndim))).reshape(len(fields), -1)
        power = (modes.real**2 + modes.imag**2)[:, order]
        power *= share / model.lattice.volume
        return np.asarray(np.add.reduceat(power, starts, axis=1))
