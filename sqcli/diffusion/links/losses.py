"""Losses of networks of links, per configuration (n,): scores at noised links, and the curvature of what they leave.

Links are noised by exact increments of Brownian motion, U_s = exp(iε) g U_0 with ε of the variance δ² and g of the
rest, s² in all; levels are even in their logarithm. With k the heat kernel's score of the whole increment G = exp(iε) g

    ∂_a log p_s(U_s) = E[k_a(G) | U_s] = E[F_a(U_0) | U_s] = E[(G F(U_0) G†)_a | U_s],   F = −∂S,

the second since K_t(e^{iv} U U_0†) = K_t(U (e^{−iv} U_0)†) for a class function K_t, the third by moving U_0 = G† U_s.
So `target` regresses on w k + (1 − w) F, F the mean of its two forms: F alone at small noise, k alone at large.
Beside the score, in all of them, its derivatives are fitted to the last step: −log q(ε | U_s) of the reverse kernel q
with the mean −δ² ∂ log p_s held fixed, times 2 s²/δ², which is what both cost a path's weight to leading order.
"""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Generator, Tensor

from sqcli.diffusion.links import increments
from sqcli.diffusion.links.heat_kernel import kernel_score, require_kernel
from sqcli.diffusion.links.kernels import reverse_kernel
from sqcli.diffusion.links.lie import LinkManifold, move, nudge, per_row, product, rotate
from sqcli.diffusion.links.statistics import LinkStatistics
from sqcli.diffusion.nets import LinkScore
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

LOWEST = 0.1  # least level, in units of the process
SHARES = (0.05, 0.5)  # of s² that the last step has, evenly between: those of paths of 10 to 100 steps


class Scored(Protocol):
    """Part of a process of links that losses need."""

    @property
    def theory(self) -> Theory:
        """Gauge theory."""

    @property
    def lattice(self) -> Lattice:
        """Lattice of the links."""

    @property
    def manifold(self) -> LinkManifold:
        """Group of the links."""

    @property
    def statistics(self) -> LinkStatistics:
        """Stiffness of the training ensemble."""

    @property
    def unit(self) -> float:
        """Unit of levels."""

    @property
    def top(self) -> float:
        """Level at which links are random."""

    def score(self, links: Tensor, level: Tensor) -> LinkScore:
        """Compute the score and its curvature."""


class NoisedLinks(NamedTuple):
    """Noised links.

    Attributes:
        links: U_s, (n, *site).
        level: s, (n,).
        turn: the whole increment, (n, *site).
        last: logarithm ε of the last step, (n, *tangent).
        step: variance δ² of the last step, (n,).
    """

    links: Tensor
    level: Tensor
    turn: Tensor
    last: Tensor
    step: Tensor


def denoising(process: Scored, links: Tensor, generator: Generator, single_shot: bool = False) -> Tensor:
    """Denoising score matching, s² |score − k|² per tangent component.

    With `single_shot` noise is one exponential and the target −η/s, as published: right for U(1) and small s only (see
    `increments.single_shot`); the curvature is not trained then.
    """
    if single_shot:
        level = draw_levels(process, len(links), generator)
        turn, wanted = increments.single_shot(process.manifold, process.lattice, level, generator)
        found = process.score(product(process.manifold, turn, links), level)
        return _score_error(found, wanted, level)
    noised = noise(process, links, draw_levels(process, len(links), generator), generator)
    return _regression(process, noised, kernel_score(process.manifold, noised.turn, noised.level**2))


def target(process: Scored, links: Tensor, generator: Generator) -> Tensor:
    """Denoising score matching with the true force as control variate, per tangent component."""
    noised = noise(process, links, draw_levels(process, len(links), generator), generator)
    return _regression(process, noised, mixed_target(process, links, noised))


def mixed_target(process: Scored, links: Tensor, noised: NoisedLinks) -> Tensor:
    """Target w k + (1 − w) F with w = s² H/(1 + s² H), H = ⟨F_a²⟩ of the theory: (n, *tangent)."""
    manifold = process.manifold
    force: Tensor = process.theory.drift(links, process.lattice)
    force = (force + rotate(manifold, noised.turn, force)) / 2
    stiffness = process.statistics.stiffness_at(process.theory)
    keep = per_row(stiffness * noised.level**2 / (1 + stiffness * noised.level**2), force)
    return keep * kernel_score(manifold, noised.turn, noised.level**2) + (1 - keep) * force


def implicit(process: Scored, links: Tensor, generator: Generator, probes: int = 1) -> Tensor:
    """Implicit score matching, s² (|s|² + 2 Σ_a ∂_a s_a) per tangent component; random signs for the divergence."""
    noised = noise(process, links, draw_levels(process, len(links), generator), generator)
    with torch.enable_grad():
        shift = torch.zeros_like(noised.last).requires_grad_()
        found = process.score(nudge(process.manifold, noised.links, shift), noised.level)
        trace = torch.zeros_like(noised.level)
        for _ in range(probes):
            probe = torch.randint(2, shift.shape, generator=generator, device=shift.device).to(shift) * 2 - 1
            (pulled,) = torch.autograd.grad(found.score, shift, probe, create_graph=True)
            trace = trace + (probe * pulled).flatten(1).mean(1) / probes
    square = (found.score**2).flatten(1).mean(1)
    return noised.level**2 * (square + 2 * trace) + _kernel_error(process, found, noised)


def draw_levels(process: Scored, n: int, generator: Generator) -> Tensor:
    """Draw levels even in the logarithm, from `LOWEST` units to the top, one in each n-th of it: (n,), float64."""
    device = generator.device
    quantile = torch.rand(n, generator=generator, dtype=torch.float64, device=device)
    quantile = (torch.randperm(n, generator=generator, device=device) + quantile) / n
    low, high = math.log(LOWEST * process.unit), math.log(process.top)
    return torch.exp(low + quantile * (high - low))


def noise(process: Scored, links: Tensor, level: Tensor, generator: Generator) -> NoisedLinks:
    """Noise links by exact increments to levels (n,), in two steps.

    Raises:
        UsageError: the heat kernel of the group is not known.
    """
    manifold, lattice = process.manifold, process.lattice
    require_kernel(manifold)
    share = torch.rand(len(level), generator=generator, dtype=torch.float64, device=level.device)
    step = level**2 * (SHARES[0] + (SHARES[1] - SHARES[0]) * share)
    first = increments.draw(manifold, lattice, torch.sqrt(level**2 - step), generator)
    last = increments.logarithm_of_step(manifold, lattice, step, generator)
    turn = move(manifold, first, last)
    return NoisedLinks(product(manifold, turn, links), level, turn, last, step)


def _regression(process: Scored, noised: NoisedLinks, wanted: Tensor) -> Tensor:
    """Errors of score and curvature, (n,)."""
    found = process.score(noised.links, noised.level)
    return _score_error(found, wanted, noised.level) + _kernel_error(process, found, noised)


def _score_error(found: LinkScore, wanted: Tensor, level: Tensor) -> Tensor:
    """s² times the mean square of the score's error, (n,)."""
    return level**2 * ((found.score - wanted) ** 2).flatten(1).mean(1)


def _kernel_error(process: Scored, found: LinkScore, noised: NoisedLinks) -> Tensor:
    """2 s²/δ² times −log of the reverse over the forward kernel at the last step, per tangent component, (n,)."""
    found = found._replace(score=found.score.detach())
    one = torch.ones((), dtype=torch.float64, device=noised.step.device)
    kernel = reverse_kernel(process.manifold, noised.links, found, noised.step, one)
    log_ratio = kernel.log_ratio(noised.last, kernel.normal(noised.last))
    return -2 * noised.level**2 / noised.step * log_ratio / noised.last[0].numel()
