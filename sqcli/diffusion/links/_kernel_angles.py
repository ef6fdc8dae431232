"""Heat kernel of U(1), the wrapped normal distribution: K_t(θ) = 2π Σ_m N(θ + 2πm; 0, t), ∫ K dθ/2π = 1."""

import math

import torch
from torch import Tensor

TURN = 2 * math.pi
DEEP = 80.0  # twice the exponent below which terms are left out


def windings(time: Tensor) -> Tensor:
    """2π m for all m that matter at angles in [−π, π], (M,)."""
    most = math.ceil(math.sqrt(DEEP * float(time.max())) / TURN) + 1
    return TURN * torch.arange(-most, most + 1, dtype=time.dtype, device=time.device)


def log_kernel(angles: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute log K_t(θ) and its derivative for angles in (−π, π]; t broadcasts."""
    lifted = angles.unsqueeze(-1) + windings(time)
    terms = -(lifted**2) / (2 * time.unsqueeze(-1))
    share = torch.softmax(terms, -1)
    slope = -(share * lifted).sum(-1) / time
    return torch.logsumexp(terms, -1) + 0.5 * torch.log(TURN / time), slope
