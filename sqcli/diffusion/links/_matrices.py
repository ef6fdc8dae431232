"""Matrices of U(N) and SU(N) in torch: exponentials of hermitian ones, phases and vectors of unitary ones.

Products, moduli and angles of complex numbers, element by element, round in one way in the long vectors of a large
batch and in another at its end. What a draw depends on is therefore written with real numbers, and with products of
matrices, which do not.
"""

import math

import torch
from torch import Tensor

from sqcli.lattice.group_links import GroupLinks

ORDER = 14  # of the Taylor series: for norms up to ½ what is left out is below 1e-16
TINY = 1e-150


def adjoint(matrices: Tensor) -> Tensor:
    """Hermitian conjugate."""
    return matrices.conj().swapaxes(-1, -2)


def trace(matrices: Tensor) -> Tensor:
    """Trace over the last two axes."""
    return matrices.diagonal(0, -2, -1).sum(-1)


def is_two(manifold: GroupLinks) -> bool:
    """Whether the matrices are 2×2, for which there are closed forms."""
    return manifold.n == 2


def turn_of_two(tangent: Tensor) -> Tensor:
    """exp(i Σ_a v_a T_a) of SU(2), or of U(2) where there are four generators, which come last: (…, 2, 2)."""
    x, y, z = (tangent[..., a] / 2 for a in range(3))
    radius = torch.sqrt((x * x + y * y + z * z).clamp(min=TINY))
    cosine, sine = radius.cos(), torch.sinc(radius / math.pi)
    x, y, z = x * sine, y * sine, z * sine
    top = torch.stack([torch.complex(cosine, z), torch.complex(y, x)], -1)
    bottom = torch.stack([torch.complex(-y, x), torch.complex(cosine, -z)], -1)
    found = torch.stack([top, bottom], -2)
    if tangent.shape[-1] == 3:
        return found
    return turned(found, tangent[..., 3] / 2)


def turned(matrices: Tensor, angle: Tensor) -> Tensor:
    """Multiply matrices (…, N, N) by e^{iφ}, φ (…)."""
    cosine, sine = angle.cos()[..., None, None], angle.sin()[..., None, None]
    real, imaginary = matrices.real, matrices.imag
    return torch.complex(real * cosine - imaginary * sine, real * sine + imaginary * cosine)


def phase(numbers: Tensor) -> Tensor:
    """Angles of complex numbers, in [−π, π]; by the tangent of their halves."""
    x, y = numbers.real, numbers.imag
    size = torch.sqrt(x * x + y * y)
    return 2 * torch.atan(torch.where(x >= 0, y / (size + x), (size - x) / y))


def exponential(hermitian: Tensor) -> Tensor:
    """exp(iH) by a Taylor series of H/2^k and k squarings, k for each matrix by its own norm; unitary to rounding."""
    norm = torch.sqrt((hermitian.real**2 + hermitian.imag**2).flatten(-2).sum(-1))
    halvings = torch.log2((2 * norm).clamp(min=1.0)).ceil()
    factor = torch.exp2(-halvings)[..., None, None]
    small = torch.complex(-hermitian.imag * factor, hermitian.real * factor)
    one = torch.eye(hermitian.shape[-1], dtype=hermitian.dtype, device=hermitian.device)
    found = one + small * (1 / ORDER)
    for k in range(ORDER - 1, 0, -1):
        found = one + (small @ found) * (1 / k)
    for k in range(int(halvings.max()) if halvings.numel() else 0):
        found = torch.where((halvings > k)[..., None, None], found @ found, found)
    return unitarised(found)


def unitarised(matrices: Tensor) -> Tensor:
    """Bring matrices that rounding has moved off U(N) back, by one Newton step: what was off is squared."""
    return 1.5 * matrices - 0.5 * matrices @ (adjoint(matrices) @ matrices)


def unitary_eigen(unitary: Tensor, special: bool) -> tuple[Tensor, Tensor]:
    """Diagonalise unitary matrices, also with equal eigenvalues: phases (…, N) and orthonormal vectors (…, N, N).

    The vectors are those of the hermitian part of e^{−iφ} U, with φ far from all angles about which two eigenvalues
    are mirror images: there distinct ones have distinct real parts.

    Args:
        unitary: the matrices, (…, N, N).
        special: whether phases are to sum to 0; else they are in (−π, π].
    """
    n = unitary.shape[-1]
    phi = _generic_angle(torch.linalg.eigvals(unitary).angle())
    part = turned(unitary, -phi)
    _, vectors = torch.linalg.eigh((part + adjoint(part)) / 2)
    phases = (adjoint(vectors) @ unitary @ vectors).diagonal(0, -2, -1).angle()
    if not special:
        return phases, vectors
    excess = torch.round(phases.sum(-1, keepdim=True) / (2 * math.pi))
    order = phases.argsort(-1, descending=True).argsort(-1)
    high, low = (order < excess).to(phases), (order >= n + excess).to(phases)
    return phases - 2 * math.pi * (high - low), vectors


def _generic_angle(phases: Tensor) -> Tensor:
    """Find the angle in [0, π) that is farthest from all (θ_i + θ_j)/2 modulo π, of a few: (…)."""
    n = phases.shape[-1]
    i, j = torch.triu_indices(n, n, 1)
    middle = (phases[..., i] + phases[..., j]) / 2
    tried = torch.arange(2 * len(i) + 1, dtype=phases.dtype, device=phases.device) * math.pi / (2 * len(i) + 1)
    if not len(i):
        return torch.zeros_like(phases[..., 0])
    distance = torch.sin(middle.unsqueeze(-1) - tried).abs().amin(-2)
    return tried[distance.argmax(-1)]
