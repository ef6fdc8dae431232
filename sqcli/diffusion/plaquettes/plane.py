"""White noise on the plane Σ d = 0 of V plaquettes, with its density in V − 1 orthonormal coordinates of the plane."""

import math

from torch import Tensor


def component(normal: Tensor, which: int) -> Tensor:
    """Take one number per site of tangent vectors (n, 2, *extents): (n, V)."""
    return normal[:, which].flatten(1)


def project(field: Tensor) -> Tensor:
    """Take the mean over plaquettes away: (n, V) -> (n, V)."""
    return field - field.mean(1, keepdim=True)


def log_white(displacement: Tensor, variance: Tensor | float) -> Tensor:
    """Log density of d on the plane, N(0, variance) in every direction of it: (n, V) -> (n,)."""
    freedoms = displacement.shape[1] - 1
    square = (displacement**2).sum(1) / variance
    return -0.5 * (square + freedoms * _log_turn(variance))


def _log_turn(variance: Tensor | float) -> Tensor | float:
    """Logarithm of 2π variance."""
    return (2 * math.pi * variance).log() if isinstance(variance, Tensor) else math.log(2 * math.pi * variance)
