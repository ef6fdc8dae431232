"""Lie groups of links in torch: motion, logarithm, algebra, gauge transformations, Haar's measure.

Links are angles (n, D, *extents), float64, or matrices (n, D, *extents, N, N), complex128; tangent vectors are
(n, D, *extents) and (n, D, generators, *extents). U moves to exp(i Σ_a v_a T_a) U with the generators of `GroupLinks`,
tr T_a T_b = ½ δ_ab; an angle is the group U(1) with the one generator 1. Sums over generators are written out, without
matrix products of the whole batch, so that no link depends on the others in its batch.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from sqcli.diffusion.links._matrices import (
    adjoint,
    exponential,
    is_two,
    phase,
    trace,
    turn_of_two,
    turned,
    unitary_eigen,
)
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks
from sqcli.lattice.products import times
from sqcli.theories import Theory

LinkManifold = AngleLinks | GroupLinks
GENERATORS = 2  # axis of tangent vectors of matrices


def link_manifold(theory: Theory) -> LinkManifold:
    """Manifold of the links of a gauge theory.

    Raises:
        UsageError: the theory has no links.
    """
    found: object = theory.manifold
    if not isinstance(found, AngleLinks | GroupLinks):
        raise UsageError(f"only a gauge theory has links on a group, not a theory of fields in {theory.manifold.name}")
    return found


def generators(manifold: LinkManifold) -> int:
    """Count the generators of the group: the numbers in a tangent vector of one link."""
    return 1 if isinstance(manifold, AngleLinks) else manifold.n**2 - manifold.special


def casimir(manifold: LinkManifold) -> float:
    """C of the fundamental representation, Σ_a T_a T_a = C: ⟨U⟩ = e^{−tC/2} after Brownian motion for the time t."""
    return 1.0 if isinstance(manifold, AngleLinks) else (manifold.n - manifold.special / manifold.n) / 2


def per_link(tangent: Tensor, manifold: LinkManifold) -> Tensor:
    """Mean over the generators of numbers of the shape of tangent vectors: (n, D, *extents)."""
    return tangent if isinstance(manifold, AngleLinks) else tangent.mean(GENERATORS)


def per_generator(values: Tensor, manifold: LinkManifold) -> Tensor:
    """View numbers of links (n, D, *extents) so that they multiply tangent vectors."""
    return values if isinstance(manifold, AngleLinks) else values.unsqueeze(GENERATORS)


def per_row(values: Tensor, fields: Tensor) -> Tensor:
    """View numbers () or (n,) so that they multiply tensors of the dimension of `fields`."""
    return values.reshape(-1, *(1,) * (fields.dim() - 1))


def algebra(manifold: GroupLinks, tangent: Tensor) -> Tensor:
    """Σ_a v_a T_a, hermitian, (n, D, *extents, N, N)."""
    parts, n = tangent.unbind(GENERATORS), manifold.n
    pairs = list(combinations(range(n), 2))
    rest = parts[2 * len(pairs) :]
    diagonal = [tangent.sum(GENERATORS) * 0] * n
    for k, part in enumerate(rest[: n - 1], 1):
        unit = part / math.sqrt(2 * k * (k + 1))
        diagonal = [d + unit * (1 if i < k else -k if i == k else 0) for i, d in enumerate(diagonal)]
    if not manifold.special:
        diagonal = [d + rest[-1] / math.sqrt(2 * n) for d in diagonal]
    entries: dict[tuple[int, int], Tensor] = {(i, i): torch.complex(d, d * 0) for i, d in enumerate(diagonal)}
    for (j, k), real, imaginary in zip(pairs, parts[0::2], parts[1::2], strict=False):
        entries[j, k] = torch.complex(real, -imaginary) / 2
        entries[k, j] = torch.complex(real, imaginary) / 2
    rows = [torch.stack([entries[i, j] for j in range(n)], -1) for i in range(n)]
    return torch.stack(rows, -2)


def components(manifold: GroupLinks, matrices: Tensor) -> Tensor:
    """Im tr(T_a M) of matrices (n, D, *extents, N, N): (n, D, generators, *extents)."""
    n, found = manifold.n, []
    for j, k in combinations(range(n), 2):
        found.append((matrices[..., j, k] + matrices[..., k, j]).imag / 2)
        found.append((matrices[..., j, k] - matrices[..., k, j]).real / 2)
    diagonal = matrices.diagonal(0, -2, -1).imag
    cartan = [(diagonal[..., :k].sum(-1) - k * diagonal[..., k]) / math.sqrt(2 * k * (k + 1)) for k in range(1, n)]
    found.extend(cartan)
    if not manifold.special:
        found.append(diagonal.sum(-1) / math.sqrt(2 * n))
    return torch.stack(found, GENERATORS) if found else diagonal[..., :0].movedim(-1, GENERATORS)


def coordinates(manifold: GroupLinks, hermitian: Tensor) -> Tensor:
    """Tangent vector v of hermitian matrices Σ_a v_a T_a: the inverse of `algebra`."""
    return 2 * components(manifold, 1j * hermitian)


def wrapped(angles: Tensor) -> Tensor:
    """Bring angles into (−π, π]."""
    return angles - 2 * math.pi * torch.ceil(angles / (2 * math.pi) - 0.5)


def move(manifold: LinkManifold, links: Tensor, tangent: Tensor) -> Tensor:
    """Multiply links by exp(i Σ_a v_a T_a) from the left; angles come back in (−π, π]."""
    if isinstance(manifold, AngleLinks):
        return wrapped(links + tangent)
    if is_two(manifold):
        return times(turn_of_two(tangent.movedim(GENERATORS, -1)), links)
    return times(exponential(algebra(manifold, tangent)), links)


def nudge(manifold: LinkManifold, links: Tensor, tangent: Tensor) -> Tensor:
    """Move links along infinitesimal tangent vectors: exact to first order, for derivatives at 0."""
    if isinstance(manifold, AngleLinks):
        return links + tangent
    return links + 1j * times(algebra(manifold, tangent), links)


def product(manifold: LinkManifold, left: Tensor, right: Tensor) -> Tensor:
    """Multiply group elements, link by link."""
    return wrapped(left + right) if isinstance(manifold, AngleLinks) else times(left, right)


def inverse(manifold: LinkManifold, links: Tensor) -> Tensor:
    """Invert group elements, link by link."""
    return wrapped(-links) if isinstance(manifold, AngleLinks) else adjoint(links).resolve_conj()


def rotate(manifold: LinkManifold, turns: Tensor, tangent: Tensor) -> Tensor:
    """Rotate tangent vectors by group elements g: the coordinates of g (Σ_a v_a T_a) g†."""
    if isinstance(manifold, AngleLinks):
        return tangent
    return coordinates(manifold, times(times(turns, algebra(manifold, tangent)), adjoint(turns)))


def logarithm(manifold: LinkManifold, links: Tensor) -> Tensor:
    """Tangent vector v with U = exp(i Σ_a v_a T_a): phases in (−π, π], for SU(N) some moved by 2π for their sum 0."""
    if isinstance(manifold, AngleLinks):
        return wrapped(links)
    phases, vectors = unitary_eigen(links, manifold.special)
    return coordinates(manifold, times(vectors * phases.unsqueeze(-2), adjoint(vectors)))


def gauge_transformed(manifold: LinkManifold, links: Tensor, turns: Tensor, lattice: Lattice) -> Tensor:
    """Transform U_μ(x) into g(x) U_μ(x) g(x+μ̂)†, with group elements g of the sites (n, *extents[, N, N])."""
    shifted = [torch.roll(turns, -1, axis + 1) for axis in range(lattice.dimension)]
    ahead = inverse(manifold, torch.stack(shifted, 1))
    return product(manifold, product(manifold, turns.unsqueeze(1), links), ahead)


def haar_calls(manifold: LinkManifold) -> int:
    """Count the arrays of N(0, 1) numbers, shaped as tangent vectors, that `haar` needs."""
    if isinstance(manifold, AngleLinks):
        return 1
    return max(math.ceil(2 * manifold.n**2 / max(generators(manifold), 1)), 1)


def numbers_of_links(manifold: LinkManifold, normals: Sequence[Tensor]) -> Tensor:
    """Deal `haar_calls` arrays (n, *tangent) to links: a number to an angle, 2N² to a matrix, (n, D, *extents, 2N²)."""
    if isinstance(manifold, AngleLinks):
        return normals[0]
    return torch.cat(list(normals), GENERATORS).movedim(GENERATORS, -1)[..., : 2 * manifold.n**2]


def haar(manifold: LinkManifold, normals: Sequence[Tensor]) -> Tensor:
    """Turn N(0, 1) numbers into links by Haar's measure.

    Angles are π erf(z/√2). Matrices are the unitary factor of a Gaussian matrix with 2N² of a link's numbers, made
    unique (math-ph/0609050); for SU(N) its determinant is divided out, which leaves the measure invariant.

    Args:
        manifold: the links' group.
        normals: `haar_calls` arrays (n, *tangent).
    """
    numbers = numbers_of_links(manifold, normals)
    if isinstance(manifold, AngleLinks):
        return wrapped(math.pi * torch.erf(numbers / math.sqrt(2)))
    n = manifold.n
    if not numbers.shape[-1]:  # SU(1)
        return torch.ones((*numbers.shape[:-1], 1, 1), dtype=torch.complex128, device=numbers.device)
    pairs = numbers.reshape(*numbers.shape[:-1], n, n, 2)
    q, r = torch.linalg.qr(torch.view_as_complex(pairs.contiguous()))
    angles = phase(r.diagonal(0, -2, -1))
    unitary: Tensor = q @ torch.diag_embed(torch.polar(torch.ones_like(angles), angles))
    return turned(unitary, -phase(torch.linalg.det(unitary)) / n) if manifold.special else unitary


def reduced_trace(manifold: LinkManifold, links: Tensor) -> Tensor:
    """Re tr U/N of group elements; cos θ of angles."""
    return links.cos() if isinstance(manifold, AngleLinks) else trace(links).real / manifold.n
