"""Two Gaussians: e^{−S} ∝ ½[N(μ₀, σ₀²) + N(−μ₀, σ₀²)], S = φ²/2σ₀² − log cosh(μ₀φ/σ₀²) (2410.21212).

Cumulants μ₀² + σ₀², −2μ₀⁴, 16μ₀⁶, −272μ₀⁸; log Z = ½ log 2πσ₀² + μ₀²/2σ₀². With Gaussian noise of variance s² added
it is the mixture with σ₀² + s², whence the denoiser
D(y, s) = [σ₀² y + s² μ₀ tanh(μ₀y/(σ₀² + s²))]/(σ₀² + s²).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.theories import _well_kernels
from sqcli.theories._functions import functions, log_cosh
from sqcli.theories._zero import ZeroDimensional


@dataclass(frozen=True)
class GaussianMixture(ZeroDimensional):
    """Peaks at ±`mu0` of width `sigma0`."""

    mu0: float
    sigma0: float
    formula: ClassVar[str] = "S = x^2 / (2 sigma0^2) - log cosh(mu0 x / sigma0^2)"
    flow: ClassVar[Kernel] = _well_kernels.flow
    finish: ClassVar[Kernel] = _well_kernels.finish
    local_change: ClassVar[Kernel] = _well_kernels.local_change

    def __post_init__(self) -> None:
        if self.sigma0 <= 0:
            raise ValueError(f"sigma0 must be positive, not {self.sigma0}")

    def potential(self, x: Any) -> Any:
        """Compute S = x²/2σ₀² − log cosh(μ₀x/σ₀²)."""
        return x**2 / (2 * self.sigma0**2) - log_cosh(self.mu0 / self.sigma0**2 * x)

    def slope(self, x: Any) -> Any:
        """Compute S′ = (x − μ₀ tanh(μ₀x/σ₀²))/σ₀²."""
        return (x - self.mu0 * functions(x).tanh(self.mu0 / self.sigma0**2 * x)) / self.sigma0**2

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return (c₂, w, q, kind) for the kernels."""
        return np.array([0.5 / self.sigma0**2, 1.0, self.mu0 / self.sigma0**2, 1.0])

    def gaussian(self, curvature: float) -> NDArray[np.float64]:
        """Return (c₂, w, q, kind) without the logarithm."""
        return np.array([curvature / 2, 0.0, self.mu0 / self.sigma0**2, 1.0])

    def denoise(self, y: Any, level: Any, lattice: Lattice) -> Any:
        """Denoise in closed form, (n, 1), s () or (n,) -> (n, 1)."""
        noise = level.reshape(-1, 1) ** 2
        inner = self.mu0 * functions(y).tanh(self.mu0 * y / (self.sigma0**2 + noise))
        return y + noise * (inner - y) / (self.sigma0**2 + noise)

    def log_density(self, y: Any, level: Any, lattice: Lattice) -> Any:
        """Compute the log density of the mixture that noise has widened to σ₀² + s², (n,)."""
        variance = self.sigma0**2 + level**2
        x = y[:, 0]
        norm = 0.5 * functions(variance).log(2 * math.pi * variance) + self.mu0**2 / (2 * variance)
        return log_cosh(self.mu0 * x / variance) - x**2 / (2 * variance) - norm

    def log_partition(self, lattice: Lattice) -> float:
        """Compute log Z = ½ log 2πσ₀² + μ₀²/2σ₀²."""
        return 0.5 * math.log(2 * math.pi * self.sigma0**2) + self.mu0**2 / (2 * self.sigma0**2)
