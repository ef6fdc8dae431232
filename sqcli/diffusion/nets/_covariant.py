"""Layers of lattice gauge equivariant networks (M. Favoni et al., 2012.12901), symmetric under all of the lattice's.

Features are matrices E_μ(x) of every link, (n, C, D, *extents, N, N), that transform as plaquettes do which begin with
that link: E → Ω(x) E Ω(x)†, and E → E† transported to the other end when the link is walked back. Weights are real,
shared by all axes, and act on C alone, so that rotations, reflections, translations and U → U* are kept exactly.
"""

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._coupling import LinkGroup, Noised
from sqcli.diffusion.nets._loops import Walks, squared, trace
from sqcli.lattice.products import times

SHAPES = 3  # functions of each plaquette that features begin with


class Transport:
    """Parallel transport of features of sites, (n, C, *extents, N, N), along links."""

    def __init__(self, links: Tensor) -> None:
        self.dimension = links.dim() - 4
        self.links = [links[:, None, axis] for axis in range(self.dimension)]
        self.back = [link.mH for link in self.links]

    def ahead(self, field: Tensor, axis: int) -> Tensor:
        """Bring F(x + μ) to x: U F U†."""
        return times(times(self.links[axis], field.roll(-1, 2 + axis)), self.back[axis])

    def behind(self, field: Tensor, axis: int) -> Tensor:
        """Bring F(x − μ) to x: U† F U with the link from there."""
        return times(times(self.back[axis], field), self.links[axis]).roll(1, 2 + axis)


class Mixing(nn.Module):
    """Channels mixed with real weights, C of them from features and C from their adjoints."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2 * outputs, inputs) / (2 * inputs) ** 0.5)

    def forward(self, features: Tensor) -> Tensor:
        """Mix (n, inputs, …, N, N) to (n, outputs, …, N, N)."""
        parts = torch.view_as_real(features.resolve_conj())
        found = (self.weight @ parts.flatten(2)).reshape(len(parts), -1, *parts.shape[2:])
        one, other = torch.view_as_complex(found).chunk(2, 1)
        mixed: Tensor = one + other.mH
        return mixed


class LinkBlock(nn.Module):
    """Residual block of L-Conv, L-Bilin and L-Act.

    L-Conv: features of all links at each site are summed, and go to both ends of each link by parallel transport.
    L-Bilin: (X Y + Y X)/2 of mixtures X and Y, which walked back is the same of their adjoints.
    L-Act: u ↦ g u/√(1 + tr u u†/N), with g from what the block is told.
    """

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.linear, self.left, self.right = (Mixing(2 * width, width) for _ in range(3))
        self.back = Mixing(2 * width, width)
        self.gain = nn.Linear(told, 2 * width)

    def forward(self, features: Tensor, transport: Transport, told: Tensor) -> Tensor:
        """Apply the block to features (n, C, D, *extents, N, N), told (n, numbers)."""
        seen = torch.cat([features, convolved(features, transport)], 1)
        one, other = self.left(seen), self.right(seen)
        both = torch.cat([self.linear(seen), (times(one, other) + times(other, one)) / 2], 1)
        gain = 1 + self.gain(told).reshape(*both.shape[:2], *(1,) * (transport.dimension + 1))
        tamed = gain * torch.rsqrt(1 + squared(both))
        addition: Tensor = self.back(tamed[..., None, None] * both)
        return torch.add(features, addition)


def convolved(features: Tensor, transport: Transport) -> Tensor:
    """Sum features of the links at each site, and those of both ends for each link: L-Conv with shared weights."""
    axes = range(transport.dimension)
    both_ends = [features[:, :, mu] + transport.behind(features[:, :, mu], mu).mH for mu in axes]
    at_sites = torch.stack(both_ends).sum(0)
    at_links = [at_sites + transport.ahead(at_sites, mu).mH for mu in axes]
    return torch.div(torch.stack(at_links, 2), (4 * len(axes)) ** 0.5)


def scaled_plaquettes(plaquettes: Tensor, group: LinkGroup, noise: Noised) -> Tensor:
    """Build the features that a network begins with: (n, SHAPES, D, *extents, N, N).

    Sums of W f(w) over plaquettes at each link, W = ζ (U_□ − 1), w = tr W W†/N, f = 1, 1/(1 + w), 1/(1 + w)². With
    ζ² = 1 + β_s/generators numbers are of order one at any coupling.
    """
    size2 = (1 + noise.beta.abs() / group.generators).to(plaquettes.real.dtype)
    ones = (-1, *(1,) * (plaquettes.dim() - 3))
    damping = 1 / (1 + 2 * size2.reshape(ones) * (1 - trace(plaquettes).real))
    unit = torch.eye(group.n, dtype=plaquettes.dtype, device=plaquettes.device)
    moved = size2.sqrt().reshape(*ones, 1, 1) * (plaquettes - unit) / plaquettes.shape[2] ** 0.5
    return torch.stack([(moved * damping[..., None, None] ** k).sum(2) for k in range(SHAPES)], 1)


def polyakov(walks: Walks) -> Tensor:
    """Polyakov loops P that begin with each link, times (tr P/N)* so that the centre does nothing: (n, 1, D, …)."""
    extents = walks.links.shape[2:-2]
    loops = [walks.product((axis,) * extent) for axis, extent in enumerate(extents, 1)]
    return torch.stack([trace(loop).conj()[..., None, None] * loop for loop in loops], 1)[:, None]


def invariants(features: Tensor) -> Tensor:
    """Trace layer: Re tr E/N, tr E E†/N and Re tr E²/N, compressed, channels last: (n, D, *extents, 3C)."""
    found = torch.cat([trace(features).real, squared(features), squared(features, features.mH)], 1)
    return torch.asinh(found).movedim(1, -1)


def smeared(links: Tensor, plaquettes: Tensor, weight: Tensor) -> Tensor:
    """Smear links by L-Exp: U → exp(w A) U, A the anti-Hermitian traceless part of the plaquettes at the link."""
    total = plaquettes.sum(2)
    odd = (total - total.mH) / 2
    unit = torch.eye(links.shape[-1], dtype=links.dtype, device=links.device)
    odd = odd - trace(odd)[..., None, None] * unit if links.shape[-1] > 1 else odd
    turn: Tensor = torch.linalg.matrix_exp(weight * odd)
    return times(turn, links)
