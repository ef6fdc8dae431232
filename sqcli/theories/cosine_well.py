"""Cosine well of one variable: S = ½φ² − cos(kφ), a comb of wells under a Gaussian."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.theories import _well_kernels
from sqcli.theories._functions import functions
from sqcli.theories._zero import ZeroDimensional


@dataclass(frozen=True)
class CosineWell(ZeroDimensional):
    """Wells at distances of about 2π/`k`."""

    k: float
    formula: ClassVar[str] = "S = 1/2 x^2 - cos(k x)"
    flow: ClassVar[Kernel] = _well_kernels.flow
    finish: ClassVar[Kernel] = _well_kernels.finish
    local_change: ClassVar[Kernel] = _well_kernels.local_change

    def potential(self, x: Any) -> Any:
        """Compute S = ½x² − cos kx."""
        return x**2 / 2 - functions(x).cos(self.k * x)

    def slope(self, x: Any) -> Any:
        """Compute S′ = x + k sin kx."""
        return x + self.k * functions(x).sin(self.k * x)

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return (c₂, w, q, kind) for the kernels."""
        return np.array([0.5, 1.0, self.k, 0.0])

    def gaussian(self, curvature: float) -> NDArray[np.float64]:
        """Return (c₂, w, q, kind) without the cosine."""
        return np.array([curvature / 2, 0.0, self.k, 0.0])
