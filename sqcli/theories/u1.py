"""Compact U(1) gauge theory in two dimensions: S = β Σ_□ (1 − cos θ_□), θ_□ = θ₀(x) + θ₁(x+0̂) − θ₀(x+1̂) − θ₁(x).

Exact on the torus of V plaquettes (2502.05504; Wiese, 1988): Z = Σ_n I_n(β)^V, ⟨cos θ_□⟩ = Σ_n I_n^V (I_n′/I_n)/Z.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import Kernel
from sqcli.lattice.manifold import AngleLinks
from sqcli.theories import _u1_kernels
from sqcli.theories._base import References
from sqcli.theories._functions import functions


@dataclass(frozen=True)
class U1:
    """U(1) links with inverse coupling `beta`."""

    beta: float
    manifold: ClassVar[AngleLinks] = AngleLinks()
    period: ClassVar[float] = 2 * np.pi
    formula: ClassVar[str] = "S = beta sum_plaquettes (1 - cos theta_p)"
    flow: ClassVar[Kernel] = _u1_kernels.flow
    finish: ClassVar[Kernel] = _u1_kernels.finish
    local_change: ClassVar[Kernel] = _u1_kernels.local_change

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError unless the lattice has two dimensions of at least 2 sites."""
        if lattice.dimension != 2 or min(lattice.extents) < 2:
            raise UsageError(f"u1 needs a two-dimensional lattice of extents >= 2, not {lattice}")

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return (β,)."""
        return np.array([self.beta])

    def plaquettes(self, field: Any, lattice: Lattice) -> Any:
        """Compute θ_□(x), not reduced, (n, 2, *extents) -> (n, *extents)."""
        along, up = field[:, 0], field[:, 1]
        return along + lattice.shift(up, 0) - lattice.shift(along, 1) - up

    def charge(self, field: NDArray[Any], lattice: Lattice) -> NDArray[np.float64]:
        """Compute the topological charge Σ_□ (θ_□ mod 2π)/2π, θ_□ in (−π, π]: (n,) whole numbers."""
        angle = self.plaquettes(field, lattice)
        return np.asarray(np.rint(-lattice.site_sum(np.rint(angle / (2 * np.pi)))))

    def action(self, field: Any, lattice: Lattice) -> Any:
        """Compute S of each configuration, (n, 2, *extents) -> (n,)."""
        angle = self.plaquettes(field, lattice)
        return self.beta * lattice.site_sum(1 - functions(angle).cos(angle))

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """Compute −∂S/∂θ_μ(x), the sines of the two plaquettes at the link, (n, 2, *extents)."""
        library = functions(field)
        sine = library.sin(self.plaquettes(field, lattice))
        along = lattice.shift(sine, 1, -1) - sine
        return self.beta * library.stack([along, sine - lattice.shift(sine, 0, -1)], 1)

    def identities(self, field: NDArray[Any], lattice: Lattice) -> Mapping[str, NDArray[np.float64]]:
        """Compute residuals of ⟨(S′)²⟩ = ⟨S″⟩ on links, and of ⟨sin θ_□ S′⟩ = ⟨±cos θ_□⟩ on links of a plaquette."""
        field = field.astype(np.float64, copy=False)
        angle = self.plaquettes(field, lattice)
        sine, cosine = np.sin(angle), np.cos(angle)
        force = -self.drift(field, lattice)
        curvature = self.beta * (2 * cosine + lattice.shift(cosine, 1, -1) + lattice.shift(cosine, 0, -1))
        squared = (force**2).sum(axis=1) - curvature
        return {
            "dS_dS": np.asarray(lattice.site_sum(squared)) / (2 * lattice.volume),
            "sin_dS": np.asarray(lattice.site_sum(sine * force[:, 0] - cosine)) / lattice.volume,
        }

    def charge_squared(self, lattice: Lattice) -> float:
        """Compute ⟨Q²⟩ = −∂² log Z(ϑ)/∂ϑ² at ϑ = 0, Z(ϑ) = Σ_n f(n + ϑ/2π)^V, f(ν) = ∫ cos νθ e^{β cos θ} dθ."""
        angle = (np.arange(4096) + 0.5) * np.pi / 4096
        weight = np.exp(self.beta * (np.cos(angle) - 1))
        orders = np.arange(61 + int(self.beta))[:, None]
        phase = orders * angle
        f, slope, bend = (
            (values * weight).sum(axis=1)
            for values in (np.cos(phase), -angle * np.sin(phase), -(angle**2) * np.cos(phase))
        )
        f, slope, bend = f / f[0], slope / f[0], bend / f[0]
        volume, count = lattice.volume, np.where(orders[:, 0] == 0, 1, 2)
        second = volume * f ** (volume - 1) * bend + volume * (volume - 1) * f ** (volume - 2) * slope**2
        return float(-(count * second).sum() / (count * f**volume).sum() / (4 * np.pi**2))

    def exact(self, lattice: Lattice) -> References:
        """Compute plaquette and action per site of the finite torus."""
        from scipy.special import ive

        reach = 60 + int(10 * abs(self.beta) ** 0.5)  # I_n falls as e^{−n²/2β}
        orders = np.arange(-reach, reach + 1)
        bessel = ive(orders, self.beta)
        derivative = (ive(orders - 1, self.beta) + ive(orders + 1, self.beta)) / 2
        weights = (bessel / bessel.max()) ** lattice.volume
        ratio = np.divide(derivative, bessel, out=np.zeros_like(bessel), where=bessel > 0)
        plaquette = float((weights * ratio).sum() / weights.sum())
        return {("plaquette", None): plaquette, ("action", None): self.beta * (1 - plaquette)}
