"""Heat kernels of groups: Brownian motion of links, ∂_t K = ½ Σ_a ∂_a² K, K_t its density by normalised Haar measure.

Known for angles, SU(2), SU(3) and U(N) up to N = 3, as U(1) × SU(N) is U(N) N times over; summed over windings, so that
few terms matter at short times. Scores are ∂_a log K_t along U → exp(i Σ_a v_a T_a) U. Accurate to 1e-8 of their size
or better, from t = 1e-3 to 20, at the identity, at coincident eigenvalues and on the cut locus.
"""

import math

import torch
from torch import Tensor

from sqcli.diffusion.links import _kernel_angles, _kernel_three, _kernel_two
from sqcli.diffusion.links._matrices import adjoint, trace, turned, unitary_eigen
from sqcli.diffusion.links.lie import (
    GENERATORS,
    LinkManifold,
    components,
    per_row,
    wrapped,
)
from sqcli.errors import UsageError
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks
from sqcli.lattice.products import times

KNOWN = 3  # largest N of a known kernel
TINY = 1e-150


def has_kernel(manifold: LinkManifold) -> bool:
    """Whether the heat kernel of the group is known here."""
    return isinstance(manifold, AngleLinks) or manifold.n <= KNOWN


def require_kernel(manifold: LinkManifold) -> None:
    """Raise UsageError where the heat kernel of the group is not known."""
    if not has_kernel(manifold):
        raise UsageError(f"the heat kernel is known for U(1), U(2), U(3), SU(2) and SU(3), not for {manifold.name}")


def log_kernel(manifold: LinkManifold, links: Tensor, time: Tensor) -> Tensor:
    """Logarithm of K_t of group elements: (n, D, *extents); times () or (n,).

    Raises:
        UsageError: the kernel of the group is not known.
    """
    return _kernel(manifold, links, time)[0]


def kernel_score(manifold: LinkManifold, links: Tensor, time: Tensor) -> Tensor:
    """Derivatives ∂_a log K_t of group elements: (n, *tangent); times () or (n,).

    Raises:
        UsageError: the kernel of the group is not known.
    """
    return _kernel(manifold, links, time)[1]


def _kernel(manifold: LinkManifold, links: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute log K_t and ∂_a log K_t."""
    require_kernel(manifold)
    single = links if isinstance(manifold, AngleLinks) else links[..., 0, 0].real
    time = per_row(time.to(single), single).expand(single.shape)
    if isinstance(manifold, AngleLinks):
        return _kernel_angles.log_kernel(links, time)
    return _special(links, time) if manifold.special else _whole(manifold, links, time)


def _special(links: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute log K_t and ∂_a log K_t of SU(N)."""
    group = GroupLinks(links.shape[-1], True)
    if group.n == 1:
        return torch.zeros_like(time), components(group, links)
    if group.n == 2:
        slopes = components(group, links)
        sine = torch.sqrt((slopes**2).sum(GENERATORS).clamp(min=TINY))
        log_k, over_sine = _kernel_two.log_kernel(torch.atan2(sine, trace(links).real / 2), time)
        return log_k, slopes * (over_sine / 2).unsqueeze(GENERATORS)
    phases, vectors = unitary_eigen(links, True)
    log_k, slope = _kernel_three.log_kernel(phases, time)
    return log_k, components(group, 1j * times(vectors * slope.unsqueeze(-2), adjoint(vectors)))


def _whole(manifold: GroupLinks, links: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute log K_t and ∂_a log K_t of U(N): U = e^{iα} V, the mean over the N ways to split it so."""
    n = manifold.n
    parts, scores = [], []
    alpha = torch.linalg.det(links).angle() / n
    for k in range(n):
        turn = wrapped(alpha + 2 * math.pi * k / n)
        rest = turned(links, -turn)
        log_phase, slope = _kernel_angles.log_kernel(turn, time / (2 * n))
        log_rest, score = _special(rest, time)
        parts.append(log_phase + log_rest)
        scores.append(torch.cat([score, (slope / math.sqrt(2 * n)).unsqueeze(GENERATORS)], GENERATORS))
    logs = torch.stack(parts)
    share = torch.softmax(logs, 0).unsqueeze(GENERATORS + 1)
    return torch.logsumexp(logs, 0) - math.log(n), (share * torch.stack(scores)).sum(0)
