"""Free field: S = ½ Σ_x [ Σ_μ (φ(x+μ̂) − φ(x))² + m² φ(x)² ], solved exactly: ⟨|φ̃(k)|²⟩/V = 1/(p̂² + m²).

Every expectation value follows from that propagator, which makes it the reference for all algorithms.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2
from sqcli.theories import _gaussian
from sqcli.theories._base import References
from sqcli.theories._scalar_fields import ScalarTheory


@dataclass(frozen=True)
class Free(ScalarTheory):
    """Free scalar field with `mass2` = m² > 0."""

    mass2: float
    formula: ClassVar[str] = "S = 1/2 sum_x [ sum_mu (phi(x+mu) - phi(x))^2 + mass2 phi(x)^2 ]"

    def __post_init__(self) -> None:
        if self.mass2 <= 0:
            raise ValueError(f"mass2 must be positive, not {self.mass2}")

    def terms(self, lattice: Lattice) -> tuple[float, float, float]:
        """Return (J, c₂, c₄) = (1, D + m²/2, 0)."""
        return 1.0, lattice.dimension + self.mass2 / 2, 0.0

    def propagator(self, lattice: Lattice) -> NDArray[np.float64]:
        """Compute G(k) = 1/(p̂² + m²) by mode numbers, (*extents)."""
        return _propagator(self.mass2, lattice.extents)

    def log_partition(self, lattice: Lattice) -> float:
        """Compute log Z = ½ Σ_k log 2πG(k)."""
        return _gaussian.log_partition(self.propagator(lattice))

    def denoise(self, y: Any, level: Any, lattice: Lattice) -> Any:
        """Apply Wiener's filter G/(G + s²) to every mode, for torch tensors: (n, *extents), s () or (n,)."""
        return _gaussian.denoise(self.propagator(lattice), y, level)

    def log_density(self, y: Any, level: Any, lattice: Lattice) -> Any:
        """Compute the log density of a Gaussian with the spectrum G + s², for torch tensors: (n,)."""
        return _gaussian.log_density(self.propagator(lattice), y, level)

    def independent(self, normals: NDArray[np.float64], lattice: Lattice) -> NDArray[np.float64]:
        """Filter white noise with √G, a row for each configuration (n, *extents)."""
        return _gaussian.coloured(normals.reshape(-1, *lattice.extents), self.propagator(lattice))

    def exact(self, lattice: Lattice) -> References:
        """Compute moments of M (Gaussian of variance G(0)/V), ⟨φ²⟩ = Σ_k G/V, S/V = ½, and the slice correlator."""
        return dict(_exact(self, lattice))


@lru_cache(maxsize=8)
def _propagator(mass2: float, extents: tuple[int, ...]) -> NDArray[np.float64]:
    values = np.asarray(1 / (phat2(extents) + mass2))
    values.flags.writeable = False
    return values


@lru_cache(maxsize=8)
def _exact(theory: Free, lattice: Lattice) -> References:
    propagator, volume = theory.propagator(lattice), lattice.volume
    variance = propagator.flat[0] / volume
    square = propagator.sum() / volume
    references: dict[tuple[str, str | None], float] = {
        ("magnetization", None): 0.0,
        ("abs_magnetization", None): float(np.sqrt(2 * variance / np.pi)),
        ("mean_abs_field", None): float(np.sqrt(2 * square / np.pi)),
        ("chi2", None): float(propagator.flat[0]),
        ("chi2_abs", None): float(propagator.flat[0] * (1 - 2 / np.pi)),
        ("binder", None): 0.0,
        ("action", None): 0.5,
        ("field_squared", None): float(square),
    }
    slices = np.fft.ifft(propagator.reshape(-1, lattice.extents[-1])[0]).real / (volume / lattice.extents[-1])
    half = lattice.extents[-1] // 2
    return references | {("correlator", str(t)): float(slices[t]) for t in range(half + 1)}
