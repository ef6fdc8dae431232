"""Gaussian fields with spectrum G(k) = ⟨|φ̃(k)|²⟩/V: draws, action and Z, and their exact denoiser.

In the Fourier basis modes are independent; noise of level s adds s² to each variance, and E[φ₀ | y] is Wiener's filter
G/(G + s²).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def coloured(normals: Array, spectrum: Array) -> Array:
    """Filter white noise (n, *extents) to draws with the spectrum (*extents)."""
    root = np.sqrt(spectrum)
    rows = [np.fft.ifftn(root * np.fft.fftn(row)).real for row in normals]  # batches may round differently
    return np.stack(rows) if rows else normals.copy()


def log_partition(spectrum: Array) -> float:
    """Compute log Z = ½ Σ_k log 2πG(k)."""
    return float(0.5 * np.log(2 * math.pi * spectrum).sum())


def action(fields: Array, spectrum: Array) -> Array:
    """Compute S = ½ Σ_k |φ̃(k)|²/(V G(k)), (n, *extents) -> (n,)."""
    axes = tuple(range(1, fields.ndim))
    modes = np.fft.fftn(fields, axes=axes, norm="ortho")
    return np.asarray(0.5 * ((modes.real**2 + modes.imag**2) / spectrum).sum(axis=axes))


def denoise(spectrum: Array, y: Any, level: Any) -> Any:
    """Compute E[φ₀ | y = φ₀ + s z] for torch tensors, (n, *extents), s () or (n,) -> (n, *extents)."""
    import torch

    g, noise, axes = _variances(spectrum, y, level)
    return y - torch.fft.ifftn(noise / (g + noise) * torch.fft.fftn(y, dim=axes), dim=axes).real


def log_density(spectrum: Array, y: Any, level: Any) -> Any:
    """Compute the log density of y = φ₀ + s z for torch tensors, (n,)."""
    import torch

    g, noise, axes = _variances(spectrum, y, level)
    modes = torch.fft.fftn(y, dim=axes, norm="ortho")
    terms = (modes.real**2 + modes.imag**2) / (g + noise) + torch.log(2 * math.pi * (g + noise))
    return -0.5 * terms.sum(axes)


def _variances(spectrum: Array, y: Any, level: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """Return G and s², which broadcast against y, and the axes of the lattice."""
    import torch

    g = torch.tensor(spectrum).to(y)
    return g, level.reshape(-1, *[1] * spectrum.ndim) ** 2, tuple(range(-spectrum.ndim, 0))
