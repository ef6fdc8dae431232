"""Lattice momenta of a periodic lattice: k_μ = 2π n_μ / L_μ and p̂² = Σ_μ 4 sin²(k_μ/2), the Laplacian's spectrum."""

import math

import numpy as np
from numpy.typing import NDArray


def modes(extents: tuple[int, ...]) -> NDArray[np.float64]:
    """Momenta k, all of them, in the order of `numpy.fft`, each in [−π, π).

    Returns:
        Array of shape (D, *extents), in units of 1/a.
    """
    axes = [2 * math.pi * np.fft.fftfreq(extent) for extent in extents]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def phat2(extents: tuple[int, ...]) -> NDArray[np.float64]:
    """Spectrum p̂² of all momenta in the order of `numpy.fft`; −p̂² are the eigenvalues of the lattice Laplacian.

    Returns:
        Array of shape `extents`, in units of 1/a².
    """
    return np.asarray((4 * np.sin(modes(extents) / 2) ** 2).sum(axis=0))
