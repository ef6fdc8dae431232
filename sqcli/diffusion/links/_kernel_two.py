"""Heat kernel of SU(2), at eigenvalues e^{±iw}, by sums over windings.

With u = t/4

    K_t(w) = e^{u/2} √(2π) / (2 u^{3/2}) Σ_m (w + 2πm)/sin w · e^{−(w + 2πm)²/2u},   ∫ K (2/π) sin² w dw = 1.

Windings m and −m are taken together where w < π/2, m and −1−m where w > π/2. Then z = w or π − w, b = 2πm or (2m+1)π,

    ±K ∝ z/sin z · e^{−z²/2u} Σ_b c_b e^{−b²/2u} [cosh x − (b²/u) sinh(x)/x],   x = bz/u,

has no difference of nearly equal numbers left, at the identity and at −1 neither. c_b is 1 for b = 0, else 2.
"""

import math

import torch
from torch import Tensor

from sqcli.diffusion.links._kernel_angles import DEEP, TURN

TINY = 1e-150
NEAR = 0.3  # below it, power series
LONG = 30.0  # time after which the characters of spin 3/2 and more are below 1e-20


def log_kernel(w: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute log K_t at w in [0, π], and (∂ log K/∂w)/sin w, which is finite everywhere; t of the same shape."""
    long, late = time > LONG, _characters(w, time.clamp(min=LONG))
    soon = _windings(w, time.clamp(max=LONG))
    return torch.where(long, late[0], soon[0]), torch.where(long, late[1], soon[1])


def _characters(w: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute what `log_kernel` does at long times, from the characters of spin ½ and 1."""
    cosine, half, one = w.cos(), torch.exp(-3 * time / 8), torch.exp(-time)
    change = 4 * half * cosine + 3 * one * (4 * cosine**2 - 1)
    return torch.log1p(change), -(4 * half + 24 * one * cosine) / (1 + change)


def _windings(w: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute what `log_kernel` does by sums over windings; at long times large terms cancel in them."""
    u = time / 4
    low = w < math.pi / 2
    z = torch.where(low, w, math.pi - w)
    most = math.ceil(math.sqrt(DEEP * float(u.max())) / TURN) + 1
    steps = torch.arange(most + 1, dtype=w.dtype, device=w.device)
    b = torch.where(low.unsqueeze(-1), TURN * steps, TURN * (steps + 0.5))
    count = torch.where(low.unsqueeze(-1) & (steps == 0), 1.0, 2.0)
    total, slope = _sums(z, b, count, u)
    shift = torch.where(low, torch.zeros_like(z), (math.pi * z - math.pi**2 / 2) / u)
    log_k = u / 2 + 0.5 * math.log(TURN) - math.log(2) - 1.5 * u.log() - z**2 / (2 * u) + shift
    log_k = log_k + torch.log(total.abs()) - torch.log(torch.sinc(z / math.pi))
    over_z = _cotangent(z) - 1 / u + slope / total
    return log_k, torch.where(low, over_z, -over_z) / torch.sinc(z / math.pi)


def _sums(z: Tensor, b: Tensor, count: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Σ_b and its derivative by z, over z; both in units of the first term's exponential."""
    u = u.unsqueeze(-1)
    x = b * z.unsqueeze(-1) / u
    exponents = x - b**2 / (2 * u)
    weight = count / 2 * torch.exp(exponents - exponents[..., :1])
    fall = torch.exp(-2 * x)
    safe = x.clamp(min=TINY)
    sinhc = -torch.expm1(-2 * safe) / safe  # 2 e^{−x} sinh(x)/x
    total = (weight * (1 + fall - b**2 / u * sinhc)).sum(-1)
    return total, (weight * (b / u) ** 2 * (sinhc - b**2 / u * _sinhc_slope(x, fall, sinhc))).sum(-1)


def _sinhc_slope(x: Tensor, fall: Tensor, sinhc: Tensor) -> Tensor:
    """2 e^{−x} times the derivative of sinh(x)/x, over x."""
    square = torch.where(x < NEAR, x, torch.zeros_like(x)) ** 2
    series = 1 / 3 + square * (1 / 30 + square * (1 / 840 + square * (1 / 45360 + square / 3991680)))
    direct = (1 + fall - sinhc) / x.clamp(min=NEAR) ** 2
    return torch.where(x < NEAR, 2 * torch.exp(-x) * series, direct)


def _cotangent(z: Tensor) -> Tensor:
    """(1/z − cot z)/z for z in [0, π/2]."""
    square = torch.where(z < NEAR, z, torch.zeros_like(z)) ** 2
    terms = (1 / 3, 1 / 45, 2 / 945, 1 / 4725, 2 / 93555, 1382 / 638512875, 4 / 18243225, 3617 / 162820783125)
    series = torch.zeros_like(z)
    for term in reversed(terms):
        series = series * square + term
    safe = z.clamp(min=NEAR)
    return torch.where(z < NEAR, series, (1 / safe - 1 / safe.tan()) / safe)


def acceptance(radius: Tensor, time: Tensor) -> Tensor:
    """Probability to accept ε ~ N(0, t) with |ε|/2 = r as a logarithm of an increment, of the law K_t then."""
    w = torch.remainder(radius + math.pi, TURN) - math.pi
    most = math.ceil(math.sqrt(DEEP * float(time.max()) / 4) / TURN) + 1
    y = w.unsqueeze(-1) + TURN * torch.arange(-most, most + 1, dtype=w.dtype, device=w.device)
    terms = torch.softmax(-2 * y**2 / time.unsqueeze(-1), -1)
    return (y * y.sin() * terms).sum(-1) / (y * y * terms).sum(-1).clamp(min=TINY)
