"""Loop equations: Schwinger–Dyson equations of Wilson loops (Makeenko and Migdal, Phys. Lett. B 88, 135, 1979).

With O_a = ∂_a W, the derivative of a rectangle W = Re tr M along one of its links, ⟨Σ_a O_a ∂_a S − ∂_a O_a⟩ = 0. M
starts at x with the link μ and comes back by the link ν, so that either of the two at x may be varied: their residuals
are averaged, then those of the lattice. A rectangle has to be smaller than the lattice, or it would hold a link twice.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice

Array = NDArray[Any]
SIZES = ((1, 1), (2, 1), (1, 2))


def rectangles(lattice: Lattice) -> Iterator[tuple[str, int, int, tuple[int, int]]]:
    """Yield names such as `loop_2x1_xy`, the axes μ < ν, and the extents along them."""
    for mu, nu in combinations(range(lattice.dimension), 2):
        for a, b in SIZES:
            if a < lattice.extents[mu] and b < lattice.extents[nu]:
                yield f"loop_{a}x{b}_{lattice.axes[mu]}{lattice.axes[nu]}", mu, nu, (a, b)


def of_angles(angles: Array, slopes: Array, lattice: Lattice) -> dict[str, Array]:
    """Compute residuals cos Θ − sin Θ (S′_μ − S′_ν)/2 of U(1), (n,) each.

    Args:
        angles: θ_μν(x) of the plaquettes of the planes μ < ν in their order, (n, D(D−1)/2, *extents).
        slopes: S′ of every link, (n, D, *extents).
        lattice: of the field.
    """
    planes, found = list(combinations(range(lattice.dimension), 2)), {}
    for name, mu, nu, (a, b) in rectangles(lattice):
        angle = angles[:, planes.index((mu, nu))]
        if (a, b) != (1, 1):
            angle = angle + lattice.shift(angle, mu if a == 2 else nu)
        residual = np.cos(angle) - 0.5 * np.sin(angle) * (slopes[:, mu] - slopes[:, nu])
        found[name] = np.asarray(lattice.site_sum(residual)) / lattice.volume
    return found


def of_matrices(field: Array, slopes: Array, casimir: float, lattice: Lattice) -> dict[str, Array]:
    """Compute residuals C Re tr M − Im tr M (G_μ − G_ν)/2 of matrices, (n,) each.

    Args:
        field: links, (n, D, *extents, N, N).
        slopes: G = Σ_a T_a ∂_a S of every link, of the same shape.
        casimir: C of Σ_a T_a T_a.
        lattice: of the field.
    """
    found = {}
    for name, mu, nu, size in rectangles(lattice):
        loop = _rectangle(field[:, mu], field[:, nu], mu, nu, size)
        turned = np.einsum("...ij,...ji->...", loop, slopes[:, mu] - slopes[:, nu]).imag
        residual = casimir * np.einsum("...ii->...", loop).real - 0.5 * turned
        found[name] = np.asarray(lattice.site_sum(residual)) / lattice.volume
    return found


def _rectangle(across: Array, up: Array, mu: int, nu: int, size: tuple[int, int]) -> Array:
    """Multiply the links of a rectangle from x along μ, then ν, and back, (n, *extents, N, N)."""
    below, above = _line(across, mu, size[0]), _line(up, nu, size[1])
    there, back = below @ ahead(above, mu, size[0]), above @ ahead(below, nu, size[1])
    return np.asarray(there @ back.conj().swapaxes(-1, -2))


def _line(links: Array, axis: int, length: int) -> Array:
    """Multiply `length` links, 1 or 2, along their axis."""
    return links if length == 1 else np.asarray(links @ ahead(links, axis))


def ahead(links: Any, axis: int, step: int = 1) -> Any:
    """Bring what is at x + step·ê_axis to x, (n, *extents, N, N), NumPy array or torch tensor."""
    return np.roll(links, -step, 1 + axis) if isinstance(links, np.ndarray) else links.roll(-step, 1 + axis)
