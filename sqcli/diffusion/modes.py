"""Orthonormal real modes of a periodic field, in which translation-invariant Gaussians are diagonal.

The Hartley transform h_k = Σ_x φ(x) [cos kx + sin kx]/√V is real, orthogonal and its own inverse; a covariance with
spectrum v_k = v_{−k} (⟨|φ̃(k)|²⟩/V) gives independent h_k of variance v_k.
"""

import math

import torch
from torch import Tensor


def modes(field: Tensor, dimension: int) -> Tensor:
    """Hartley modes h_k of the last `dimension` axes; the transform is its own inverse."""
    found = torch.fft.fftn(field, dim=tuple(range(-dimension, 0)), norm="ortho")
    return torch.sub(found.real, found.imag)


def filtered(field: Tensor, multiplier: Tensor, dimension: int) -> Tensor:
    """Multiply each mode k of a field by `multiplier`, which is even in k and broadcasts."""
    axes = tuple(range(-dimension, 0))
    found: Tensor = torch.fft.ifftn(multiplier * torch.fft.fftn(field, dim=axes), dim=axes).real
    return found


def log_normal(h: Tensor, variance: Tensor, mask: Tensor, dimension: int) -> Tensor:
    """Log density of independent modes h_k ~ N(0, v_k) where `mask` is 1: (n, *extents) -> (n,)."""
    terms = h**2 / variance + torch.log(2 * math.pi * variance)
    return -0.5 * (torch.where(mask > 0, terms, 0.0)).sum(tuple(range(-dimension, 0)))
