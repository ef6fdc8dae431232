"""Random increments of Brownian motion on groups: U_s = g U_0 with g of the heat kernel's law at the time s².

Where K_t is known, g is drawn exactly: exp(i Σ_a ε_a T_a) with ε_a ~ N(0, t), accepted with the ratio of K_t to the law
of such exponentials (at most 1; e^{−t/8} of them in SU(2), e^{−t/2} in SU(3)); long times are products of short ones.
Other groups walk in small steps τ, with variances short by τN/24 in SU(N): then all characters are right to O(τ²).
"""

import math

import torch
from torch import Generator, Tensor

from sqcli.diffusion.links import _kernel_three, _kernel_two
from sqcli.diffusion.links._matrices import diagonalised
from sqcli.diffusion.links.lie import LinkManifold, algebra, generators, move, per_row, wrapped
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks

LONGEST = {1: math.inf, 2: 6.0, 3: 1.5}  # times of increments that are drawn in one piece: half are accepted, or more
SMALL = 0.05  # time of a small step of other groups


def normal(manifold: LinkManifold, lattice: Lattice, level: Tensor, generator: Generator) -> Tensor:
    """Draw N(0, 1) in the shape of tangent vectors, one for each level: (n, *tangent), float64."""
    shape = (len(level), *manifold.tangent(lattice))
    return torch.randn(shape, generator=generator, dtype=torch.float64, device=level.device)


def identity(manifold: LinkManifold, lattice: Lattice, like: Tensor) -> Tensor:
    """Links that are all the identity, one configuration for each of `like` (n,)."""
    return torch.from_numpy(manifold.cold(lattice)).to(like.device).expand(len(like), *manifold.site(lattice))


def single_shot(manifold: LinkManifold, lattice: Lattice, level: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw exp(i s Σ_a η_a T_a), η_a ~ N(0, 1), and −η/s: increment and target as published (2601.19552).

    For angles this is Brownian motion, and −η/s averages to its score. For matrices it is so for small s only. In SU(2)
    at s = 9.8 it gives ⟨(½ tr U)²⟩ = 0.500 where Haar's measure, which Brownian motion has reached by then, gives 0.25;
    and the score of its density is not −η/s, but has the Jacobian's term besides (SU(2): radial 2/r − cot(r/2)).
    """
    eta = normal(manifold, lattice, level, generator)
    spread = per_row(level, eta)
    return move(manifold, identity(manifold, lattice, level), spread * eta), -eta / spread


def draw(manifold: LinkManifold, lattice: Lattice, level: Tensor, generator: Generator) -> Tensor:
    """Draw increments of Brownian motion for the times s²: group elements (n, *site).

    Args:
        manifold: the links' group.
        lattice: lattice of the links.
        level: standard deviations s of the noise, (n,).
        generator: source of the random numbers, on the device of `level`.
    """
    if isinstance(manifold, AngleLinks):
        eta = normal(manifold, lattice, level, generator)
        return wrapped(per_row(level, eta) * eta)
    pieces = max(math.ceil(float(level.max()) ** 2 / LONGEST.get(manifold.n, SMALL)), 1)
    found = identity(manifold, lattice, level)
    for _ in range(pieces):
        found = move(manifold, found, logarithm_of_step(manifold, lattice, level**2 / pieces, generator))
    return found


def logarithm_of_step(manifold: LinkManifold, lattice: Lattice, time: Tensor, generator: Generator) -> Tensor:
    """Draw an increment for the times t (n,), which are not long: its logarithm, (n, *tangent).

    Exact as `draw`, but slow at times where hardly any is accepted; of groups without known kernel for small steps.
    """
    if isinstance(manifold, AngleLinks):
        eta = normal(manifold, lattice, time, generator)
        return per_row(time.sqrt(), eta) * eta
    links = (len(time), lattice.dimension, *lattice.extents)
    rows = per_row(time, torch.empty(links, device="meta")).expand(links).reshape(-1)
    step = _accepted if manifold.n in LONGEST else _small
    return _as_tangent(step(manifold, rows, generator), links)


def _as_tangent(rows: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Arrange tangent vectors of single links (K, generators) as those of links of the shape (n, D, *extents)."""
    return rows.reshape(*shape, rows.shape[-1]).movedim(-1, 2)


def _rows(manifold: GroupLinks, time: Tensor, generator: Generator) -> Tensor:
    """Draw tangent vectors with the variances t (K,): (K, generators)."""
    shape = (len(time), generators(manifold))
    eta = torch.randn(shape, generator=generator, dtype=time.dtype, device=time.device)
    return time.sqrt().unsqueeze(-1) * eta


def _small(manifold: GroupLinks, time: Tensor, generator: Generator) -> Tensor:
    """Draw logarithms of small increments, (K, generators)."""
    short = torch.sqrt(1 - time * manifold.n / 24).unsqueeze(-1)
    rows, traceless = _rows(manifold, time, generator), manifold.n**2 - 1
    return torch.cat([rows[:, :traceless] * short, rows[:, traceless:]], -1)


def _accepted(manifold: GroupLinks, time: Tensor, generator: Generator) -> Tensor:
    """Draw logarithms of increments by the heat kernel's law, (K, generators)."""
    found = _rows(manifold, time, generator)
    open_rows = torch.arange(len(time), device=time.device)
    while len(open_rows):
        wanted = _acceptance(manifold, found[open_rows], time[open_rows])
        uniform = torch.rand(len(open_rows), generator=generator, dtype=time.dtype, device=time.device)
        open_rows = open_rows[uniform >= wanted]
        found[open_rows] = _rows(manifold, time[open_rows], generator)
    return found


def _acceptance(manifold: GroupLinks, rows: Tensor, time: Tensor) -> Tensor:
    """Probability to accept logarithms of increments; the part of the phase of U(N) needs no correction."""
    traceless = rows[:, : manifold.n**2 - 1]
    if manifold.n == 1:
        return torch.ones_like(time)
    if manifold.n == 2:
        return _kernel_two.acceptance(traceless.norm(dim=-1) / 2, time)
    matrices = algebra(GroupLinks(3, True), traceless.unsqueeze(1))
    return _kernel_three.acceptance(diagonalised(matrices)[0].real.squeeze(1), time)
