"""Reverse kernels of links: Gaussian increments ε = m + δ L z of which those around a plaquette know each other.

Increments that led to U have to second order the covariance δ² (1 − δ² H), H minus the derivatives of the score. It
couples the links of each plaquette, as those of ½ Σ_□ b |F_□|² do with the covariant curl

    F_μν(x) = v_μ(x) + U_μ(x) v_ν(x+μ) U_μ(x)† − U_ν(x) v_μ(x+ν) U_ν(x)† − v_ν(x),

b the stiffness of a plaquette. L is lower triangular in blocks of links of one direction and parity, no two of which
share a plaquette: √(1 − δ² κ) of each link's curvature κ, and −δ² H between blocks, so that L L† is right to order δ².
Its determinant is the product of the diagonal and its inverse a substitution, for any group, dimension and volume, and
whatever b and κ are. (Across the seam of an odd extent two links of one block do share a plaquette: they are left
uncoupled.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import torch
from torch import Tensor

from sqcli.diffusion.links.lie import LinkManifold, inverse, per_generator, per_row, rotate
from sqcli.diffusion.nets import LinkScore

SMALL = 0.2  # variances over those of the forward kernel below which they shrink more slowly, and stay positive


@dataclass(frozen=True)
class LinkKernel:
    """Law of the increments that led to given links.

    Attributes:
        manifold: group of the links.
        links: the links U, (n, *site).
        mean: mean m of the increments, (n, *tangent).
        step: variance δ² of the forward kernel, () or (n, 1, …).
        spread: diagonal of L, (n, D, *extents).
        stiffness: b of each plaquette, (n, D(D − 1)/2, *extents), planes as (0, 1), (0, 2), …; None where all are 0.
        ratio: factor of all variances, ().
    """

    manifold: LinkManifold
    links: Tensor
    mean: Tensor
    step: Tensor
    spread: Tensor
    stiffness: Tensor | None
    ratio: Tensor

    def increment(self, normal: Tensor) -> Tensor:
        """Turn N(0, 1) numbers into an increment, (n, *tangent)."""
        return self.mean + torch.sqrt(self.ratio * self.step) * self._triangular(normal, False)

    def normal(self, increment: Tensor) -> Tensor:
        """Turn an increment into the numbers that it comes from, (n, *tangent)."""
        return self._triangular((increment - self.mean) / torch.sqrt(self.ratio * self.step), True)

    def log_ratio(self, increment: Tensor, normal: Tensor) -> Tensor:
        """Log density of an increment by this kernel over that by the forward kernel, (n,)."""
        width = per_generator(torch.sqrt(self.ratio) * self.spread, self.manifold).expand_as(normal)
        terms = (increment**2 / self.step - normal**2) / 2 - torch.log(width)
        return terms.flatten(1).sum(1)

    def _triangular(self, vector: Tensor, invert: bool) -> Tensor:
        """Multiply tangent vectors by L, or by its inverse."""
        spread = per_generator(self.spread, self.manifold)
        if self.stiffness is None:
            return vector / spread if invert else vector * spread
        curl = _Curl(self.manifold, self.links)
        fluxes: list[Tensor | None] = [None] * self.stiffness.shape[1]
        found = [torch.zeros_like(vector[:, :1]) for _ in range(curl.dimension)]
        for axis, mask in _blocks(tuple(self.spread.shape[2:]), vector.device):
            pull = self.step * self._pull(curl, fluxes, axis)
            part, width = vector[:, axis : axis + 1], spread[:, axis : axis + 1]
            numbers = mask * ((part + pull) / width if invert else part)
            found[axis] = found[axis] + (numbers if invert else mask * (width * part - pull))
            for plane, flux in curl.push(numbers, axis):
                before = fluxes[plane]
                fluxes[plane] = flux if before is None else before + flux
        return torch.cat(found, 1)

    def _pull(self, curl: "_Curl", fluxes: list[Tensor | None], axis: int) -> Tensor:
        """H between the links of one direction and what is in the plaquettes so far."""
        assert self.stiffness is not None
        total = torch.zeros_like(self.mean[:, :1])
        for plane, other in curl.planes(axis):
            flux = fluxes[plane]
            if flux is not None:
                weight = per_generator(self.stiffness[:, plane : plane + 1], self.manifold)
                total = total + curl.adjoint(weight * flux, axis, other)
        return total


def reverse_kernel(manifold: LinkManifold, links: Tensor, found: LinkScore, step: Tensor, ratio: Tensor) -> LinkKernel:
    """Build the kernel of a score and its derivatives at links, for a step δ²."""
    left = 1 - per_row(step, found.curvature) * found.curvature
    left = torch.where(left < SMALL, SMALL**2 / (2 * SMALL - left.clamp(max=SMALL)), left)
    along = per_row(step, found.score)
    return LinkKernel(manifold, links, -along * found.score, along, torch.sqrt(left), found.stiffness, ratio)


@dataclass(frozen=True)
class _Curl:
    """Covariant curl of tangent vectors of links, and its adjoint; a single direction keeps its axis."""

    manifold: LinkManifold
    links: Tensor

    @property
    def dimension(self) -> int:
        """Dimension of the lattice."""
        return self.links.shape[1]

    def planes(self, axis: int) -> Iterator[tuple[int, int]]:
        """List the planes that links of a direction are in: the plane's number, and its other axis."""
        for plane, pair in enumerate(combinations(range(self.dimension), 2)):
            if axis in pair:
                yield plane, sum(pair) - axis

    def push(self, numbers: Tensor, axis: int) -> Iterator[tuple[int, Tensor]]:
        """Compute the part of links of one direction in F, plane by plane."""
        for plane, other in self.planes(axis):
            site = numbers.dim() - self.dimension + other
            ahead = rotate(self.manifold, self.links[:, other : other + 1], numbers.roll(-1, site))
            yield plane, (numbers - ahead) if axis < other else (ahead - numbers)

    def adjoint(self, flux: Tensor, axis: int, other: int) -> Tensor:
        """Compute the adjoint of `push` for one plane."""
        site = flux.dim() - self.dimension + other
        back = rotate(self.manifold, inverse(self.manifold, self.links[:, other : other + 1]), flux).roll(1, site)
        return (flux - back) if axis < other else (back - flux)


@cache
def _blocks(extents: tuple[int, ...], device: torch.device) -> list[tuple[int, Tensor]]:
    """List the blocks of links in their order: a direction, and a mask of its links (*extents), float64."""
    grids = torch.meshgrid(*(torch.arange(extent, device=device) for extent in extents), indexing="ij")
    odd = (sum(grids[1:], grids[0]) % 2).double()
    return [(axis, mask) for axis in range(len(extents)) for mask in (1 - odd, odd)]
