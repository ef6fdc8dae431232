"""Heat kernel of SU(3), at phases θ with sum 0, by sums over windings φ = θ + 2πn, Σn = 0.

    K_t(θ) = 256 √3 π⁵ e^{t/2} (2πt)^{−4} Σ_n ∏_{i<j} φ_ij/(2 sin(φ_ij/2)) e^{−Σφ²/t}.

Where two phases nearly coincide, terms that nearly cancel are divided by a small number. K itself is smooth, even
analytic in complex phases, so that there it is taken as the mean over a circle around θ, whose points are far from
such places: exact to rounding with 16 points, as the circle shrinks with t, the scale on which K changes.
"""

import math

import torch
from torch import Tensor

TURN = 2 * math.pi
PAIRS = ((0, 1), (0, 2), (1, 2))
LONG = 12.0  # time after which the characters of higher representations are below 1e-11
DEEP = 45.0  # exponent below which terms are left out
POINTS = 16
NEAR = 0.1  # of the circle's radius: phases that nearly coincide


def log_kernel(phases: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute log K_t and its gradient by phases θ (…, 3) of any windings with the sum 0: (…), (…, 3); t (…)."""
    long, late = time > LONG, _characters(phases, time.clamp(min=LONG))
    soon = _summed(reduced(phases), time.clamp(max=LONG))
    return torch.where(long, late[0], soon[0]), torch.where(long.unsqueeze(-1), late[1], soon[1])


def _characters(phases: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute what `log_kernel` does at long times, from the characters of 3, 6 and 8, in which z = tr U."""
    each = torch.polar(torch.ones_like(phases), phases)
    z = each.sum(-1)
    three, six, eight = (c * torch.exp(-time * rate) for c, rate in ((6, 2 / 3), (12, 5 / 3), (8, 3 / 2)))
    change = three * z.real + six * (z**2 - z.conj()).real + eight * (z.abs() ** 2 - 1)
    z, three, six, eight = (x.unsqueeze(-1) for x in (z, three, six, eight))
    slope = (six - three) * each.imag - 2 * six * (z * each).imag - 2 * eight * (z.conj() * each).imag
    return torch.log1p(change), slope / (1 + change).unsqueeze(-1)


def _summed(theta: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute what `log_kernel` does by sums over windings; at long times large terms cancel in them."""
    wound = _windings(float(time.max()), theta)
    radius = torch.minimum(time / (2 * TURN), torch.full_like(time, 0.25))
    distance = torch.stack([2 * torch.sin((theta[..., i] - theta[..., j]) / 2).abs() for i, j in PAIRS], -1).amin(-1)
    near = distance < NEAR * radius
    total, slope, top = (torch.empty_like(part) for part in (time, theta, time))
    total[~near], slope[~near], top[~near] = _sums(theta[~near], time[~near], wound)
    total[near], slope[near], top[near] = _means(theta[near], time[near], radius[near], wound)
    log_k = math.log(256 * math.sqrt(3) * math.pi**5) + time / 2 - 4 * torch.log(TURN * time) + top + total.log()
    return log_k, slope / total.unsqueeze(-1)


def reduced(phases: Tensor) -> Tensor:
    """Phases of the same matrix whose squares have the least sum among those with the sum 0."""
    theta = phases - TURN * torch.round(phases / TURN)
    excess = torch.round(theta.sum(-1, keepdim=True) / TURN)
    order = theta.argsort(-1, descending=True).argsort(-1)
    high, low = (order < excess).to(theta), (order >= 3 + excess).to(theta)
    return theta - TURN * (high - low)


def _windings(longest: float, like: Tensor) -> Tensor:
    """2π n of all windings that matter up to the time `longest`, (W, 3)."""
    reach = math.sqrt(DEEP * longest) / TURN + 1.7
    most = math.ceil(reach)
    found = [(a, b, -a - b) for a in range(-most, most + 1) for b in range(-most, most + 1)]
    kept = [n for n in found if sum(k * k for k in n) <= reach**2 + 2]
    return TURN * torch.tensor(kept, dtype=like.dtype, device=like.device)


def _sums(theta: Tensor, time: Tensor, wound: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sum over windings and its gradient, in units of e to the third number; phases may be complex."""
    phi = theta.unsqueeze(-2) + wound
    exponents = -(phi**2).sum(-1) / time.unsqueeze(-1)
    top = exponents.real.amax(-1, keepdim=True) if exponents.is_complex() else exponents.amax(-1, keepdim=True)
    terms = torch.exp(exponents - top)
    slopes = [-2 * phi[..., i] / time.unsqueeze(-1) for i in range(3)]
    for i, j in PAIRS:
        psi = phi[..., i] - phi[..., j]
        terms = terms * psi / (2 * torch.sin(psi / 2))
        change = 1 / psi - 0.5 / torch.tan(psi / 2)
        slopes[i], slopes[j] = slopes[i] + change, slopes[j] - change
    slope = torch.stack([(terms * each).sum(-1) for each in slopes], -1)
    return terms.sum(-1), slope, top.squeeze(-1)


def _means(theta: Tensor, time: Tensor, radius: Tensor, wound: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means of `_sums` over circles of complex phases around θ."""
    angles = (torch.arange(POINTS, dtype=theta.dtype, device=theta.device) + 0.5) * TURN / POINTS
    way = torch.tensor([1.0, 0.0, -1.0], dtype=theta.dtype, device=theta.device)
    steps = radius[..., None, None] * torch.polar(torch.ones_like(angles), angles)[:, None] * way
    total, slope, top = _sums(theta.unsqueeze(-2) + steps, time.unsqueeze(-1).expand(*time.shape, POINTS), wound)
    highest = top.amax(-1, keepdim=True)
    weight = torch.exp(top - highest)
    mean = (total * weight).mean(-1).real
    return mean, (slope * weight.unsqueeze(-1)).mean(-2).real, highest.squeeze(-1)


def acceptance(phases: Tensor, time: Tensor) -> Tensor:
    """Probability to accept ε ~ N(0, t) with the phases θ (…, 3) as a logarithm of an increment of the law K_t."""
    theta = reduced(phases)
    phi = theta.unsqueeze(-2) + _windings(float(time.max()), theta)
    above = below = torch.softmax(-(phi**2).sum(-1) / time.unsqueeze(-1), -1)
    for i, j in PAIRS:
        psi = phi[..., i] - phi[..., j]
        above, below = above * psi * 2 * torch.sin(psi / 2), below * psi**2
    return above.sum(-1) / below.sum(-1).clamp(min=1e-300)
