"""Power spectrum ⟨|φ̃(k)|²⟩/V, φ̃(k) = Σ_x e^{−ikx} φ(x), by integer mode numbers k_μ = 2πn_μ/L_μ.

Modes that the lattice's symmetries map into one another are averaged in each draw: reflections always, permutations
of the axes where all extents are equal (then n₁ ≥ n₂ ≥ … ≥ 0). `largest` keeps the modes with all n_μ ≤ largest: of
64³ sites there are 6545 classes in all, and 20 up to 3.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from sqcli.observables._base import Array, LatticeTheory, Observable


@lru_cache(maxsize=8)
def classes(
    extents: tuple[int, ...], largest: int | Literal["all"] = "all"
) -> tuple[tuple[str, ...], Array, Array, Array]:
    """Classes of equivalent modes with numbers up to `largest`.

    Their labels; then the modes of the half spectrum of `rfftn` sorted by class, the start of each class among them,
    and each mode's share in the mean of its class.
    """
    half = (*extents[:-1], extents[-1] // 2 + 1)
    numbers = np.indices(half).reshape(len(extents), -1)
    folded = np.minimum(numbers, np.array(extents)[:, None] - numbers)
    if len(set(extents)) == 1:
        folded = -np.sort(-folded, axis=0)
    kept = np.flatnonzero((folded <= (max(extents) if largest == "all" else largest)).all(axis=0))
    modes, inverse = np.unique(folded[:, kept], axis=1, return_inverse=True)
    inverse, last = inverse.ravel(), numbers[-1, kept]
    own_mirror = (last == 0) | (2 * last == extents[-1])
    count = np.where(own_mirror, 1.0, 2.0)  # the other half of the spectrum
    order = np.argsort(inverse, kind="stable")
    share = (count / np.bincount(inverse, count)[inverse])[order]
    starts = np.searchsorted(inverse[order], np.arange(modes.shape[1]))
    return tuple(",".join(map(str, mode)) for mode in modes.T), kept[order], starts, share


@dataclass(frozen=True)
class PowerSpectrum(Observable):
    """Power ⟨|φ̃(k)|²⟩/V, nothing subtracted: mode 0 is V⟨M²⟩."""

    largest: int | Literal["all"] = "all"
    definition: ClassVar[str] = "|phi~(k)|^2 / V averaged over equivalent modes, phi~(k) = sum_x exp(-ikx) phi(x)"
    needs: ClassVar[tuple[str, ...]] = ("observables/power_spectrum",)
    separable: ClassVar[bool] = True
    holomorphic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse a largest mode number below 0."""
        if self.largest != "all" and self.largest < 0:
            raise ValueError(f"largest must be at least 0, not {self.largest}")

    def components(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Mode numbers "n1,n2,…"."""
        return classes(theory.lattice.extents, self.largest)[0]

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Power of each class of modes in each draw, (n, classes)."""
        _, order, starts, share = classes(theory.lattice.extents, self.largest)
        modes = np.fft.rfftn(fields, axes=tuple(range(1, fields.ndim))).reshape(len(fields), -1)
        power = (modes.real**2 + modes.imag**2)[:, order]
        power *= share / theory.lattice.volume
        return np.asarray(np.add.reduceat(power, starts, axis=1))
