"""Scores that are gradients of energies of links, along U → exp(i Σ_a v_a T_a) U."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.products import times


def as_matrices(links: Tensor) -> Tensor:
    """Write links as matrices (n, D, *extents, N, N), complex128; angles as 1 × 1 ones."""
    if links.is_complex():
        return links.to(torch.complex128)
    return torch.exp(1j * links.double())[..., None, None]


def components(matrices: Tensor, manifold: Any) -> Tensor:
    """Im tr(T_a M) of matrices (n, D, *extents, N, N): a tangent vector, for angles Im M."""
    if not isinstance(manifold, GroupLinks):
        return matrices[..., 0, 0].imag
    generators = torch.from_numpy(manifold.generators).to(matrices)
    return torch.einsum("aij,nm...ji->nma...", generators, matrices).imag


def force(energy: Callable[[Tensor], tuple[Tensor, Any]], links: Tensor, manifold: Any) -> tuple[Tensor, Any]:
    """Compute −∂_a E of E (n,), and what the function returns beside it.

    The gradient G of torch has dE = Re tr G† dU, so along dU = i T_a U it is −∂_a E = Im tr T_a U G†.
    """

    def total(moved: Tensor) -> tuple[Tensor, Any]:
        found, beside = energy(moved)
        return found.sum(), beside

    slope, beside = torch.func.grad(total, has_aux=True)(links)
    if not links.is_complex():
        return -slope, beside
    return components(times(links, slope.mH), manifold), beside
