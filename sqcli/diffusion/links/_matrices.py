"""Matrices of U(N) and SU(N) in torch: exponentials of hermitian ones, phases and vectors of unitary ones.

Products, moduli and angles of complex numbers, element by element, round in one way in the long vectors of a large
batch and in another at its end. What a draw depends on is therefore written with real numbers, and with products of
matrices, which do not.
"""

import itertools
import math

import torch
from torch import Tensor

from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.products import times

ORDER = 14  # of the Taylor series: for norms up to ½ what is left out is below 1e-16
TINY = 1e-150
SWEEPS = 30  # of Jacobi rotations, which converge quadratically: five are enough for nearly all 3×3 matrices
EXACT = 1e-30  # share of a matrix's square off its diagonal that is as good as none


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
        found = one + times(small, found) * (1 / k)
    for k in range(int(halvings.max()) if halvings.numel() else 0):
        found = torch.where((halvings > k)[..., None, None], times(found, found), found)
    return unitarised(found)


def unitarised(matrices: Tensor) -> Tensor:
    """Bring matrices that rounding has moved off U(N) back, by one Newton step: what was off is squared."""
    return 1.5 * matrices - 0.5 * times(matrices, times(adjoint(matrices), matrices))


def unitary_eigen(unitary: Tensor, special: bool) -> tuple[Tensor, Tensor]:
    """Diagonalise unitary matrices, also with equal eigenvalues: phases (…, N) and orthonormal vectors (…, N, N).

    Args:
        unitary: the matrices, (…, N, N).
        special: whether phases are to sum to 0; else they are in (−π, π].
    """
    n = unitary.shape[-1]
    values, vectors = diagonalised(unitary)
    phases = values.angle()
    if not special:
        return phases, vectors
    excess = torch.round(phases.sum(-1, keepdim=True) / (2 * math.pi))
    order = phases.argsort(-1, descending=True).argsort(-1)
    high, low = (order < excess).to(phases), (order >= n + excess).to(phases)
    return phases - 2 * math.pi * (high - low), vectors


def diagonalised(normal: Tensor) -> tuple[Tensor, Tensor]:
    """Diagonalise normal matrices (…, N, N) by Jacobi rotations: values (…, N), orthonormal vectors (…, N, N).

    A rotation of two axes makes hermitian and antihermitian part as diagonal as can be at once, at the angles of
    Cardoso and Souloumiac (SIAM J. Matrix Anal. Appl. 17, 161, 1996). All matrices turn together, unlike in LAPACK, and
    in batches of any size, unlike in cuSOLVER.
    """
    n = normal.shape[-1]
    matrix, vectors = normal.clone(), torch.eye(n, dtype=normal.dtype, device=normal.device).expand_as(normal).clone()
    size, apart = _square(matrix).sum((-1, -2)), 1 - torch.eye(n, dtype=torch.float64, device=normal.device)
    for _ in range(SWEEPS):
        if bool(((_square(matrix) * apart).sum((-1, -2)) <= EXACT * size).all()):
            break
        for p, q in itertools.combinations(range(n), 2):
            turn, pair = _rotation(matrix, p, q), [p, q]
            vectors[..., pair] = times(vectors[..., pair], turn)
            matrix[..., pair] = times(matrix[..., pair], turn)
            matrix[..., pair, :] = times(adjoint(turn), matrix[..., pair, :])
    return matrix.diagonal(0, -2, -1), vectors


def _rotation(matrix: Tensor, p: int, q: int) -> Tensor:
    """Find the rotation of two axes, by at most 45 degrees, (…, 2, 2)."""
    difference, above, below = matrix[..., p, p] - matrix[..., q, q], matrix[..., p, q], matrix[..., q, p].conj()
    together, opposite = above + below, -1j * (above - below)
    one = torch.stack([difference.real, together.real, -together.imag], -1)
    other = torch.stack([difference.imag, opposite.real, -opposite.imag], -1)
    mix = torch.atan2(2 * (one * other).sum(-1), (one**2 - other**2).sum(-1)).unsqueeze(-1) / 2
    axis = mix.cos() * one + mix.sin() * other
    axis = axis * torch.where(axis[..., :1] < 0, -1.0, 1.0)
    length = axis.norm(dim=-1)
    x, y, w = (axis / length.clamp(min=TINY).unsqueeze(-1)).unbind(-1)
    cosine = torch.sqrt((1 + torch.where(length > 0, x, torch.ones_like(x))) / 2)
    sine = torch.complex(y, w) / (2 * cosine)
    cosine = cosine.to(matrix.dtype)
    return torch.stack([torch.stack([cosine, -sine.conj()], -1), torch.stack([sine, cosine], -1)], -2)


def _square(matrices: Tensor) -> Tensor:
    return matrices.real**2 + matrices.imag**2
