"""Energies of small loops whose coefficients follow the noise: what nets of links are before training.

    E = c₀ Σ_□ (1 − Re tr U_□/N) − ½ Σ_links [c₁ P − c₂ M]_pairs + Σ_n c_n Σ_loops (1 − Re tr/N)

The first term is Wilson's action at the coupling that noise has left of it (`_coupling.py`). The second is what two
plaquettes gain that share a noisy link: to first order in s² the product of their forces on it, summed over pairs,
s² Σ_a F_a F′_a = P − M with P(V) = ¼ tr V V† − |tr V|²/4N and M(V) = ¼ Re tr V² − Re (tr V)²/4N (for U(N) without
the second terms, for angles twice as large), V the sum of the plaquettes at the link, those of one plaquette with
itself taken away. Coefficients are β_s/N squared times (e^{C s²} − 1)/C for P and (1 − e^{−C s²})/C for M. Learnt
factors 1 + (1 − β_s/β) f of the noise go with each; other loops begin with no weight at all.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._coupling import SEVERAL, SINGLE, LinkGroup, Noised
from sqcli.diffusion.nets._loops import Path, Walks, images, squared, trace

WIDTH = 32
TERMS = 3


class Invariants(NamedTuple):
    """Traces of sums of plaquettes V: tr V V†, |tr V|², Re tr V² and Re (tr V)²."""

    norm: Tensor
    modulus: Tensor
    square: Tensor
    trace2: Tensor


class Bent(NamedTuple):
    """Second derivatives of an energy.

    Attributes:
        unit: of one plaquette that is the identity, (n,).
        links: mean of ∂_a² E over the generators at each link, (n, D, *extents).
        plaquettes: stiffness of each plaquette for the links around it, (n, D(D − 1)/2, *extents).
    """

    unit: Tensor
    links: Tensor
    plaquettes: Tensor


class WilsonEnergy(nn.Module):
    """Energy E and curvature of links.

    Args:
        group: constants of the group, in the lattice's dimension.
        pairs: whether pairs of plaquettes have a term.
        loops: further loops, with all their images.
        several: whether the coefficients are told the coupling beside the noise.
    """

    def __init__(self, group: LinkGroup, pairs: bool, loops: Sequence[Path], several: bool) -> None:
        super().__init__()
        self.group, self.pairs, self.loops = group, pairs, tuple(loops)
        self.several = several
        self.first = nn.Linear(SEVERAL if several else SINGLE, WIDTH)
        self.last = nn.Linear(WIDTH, TERMS + len(self.loops))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def coefficients(self, noise: Noised) -> Tensor:
        """Compute c₀ … of each row, (n, 3 + loops), float64."""
        told = noise.told(self.several).to(self.first.weight.dtype)
        found = self.last(nn.functional.silu(self.first(told))).double() * noise.lost[:, None]
        n = self.group.n
        closed = torch.stack([noise.beta, noise.together / n**2, noise.apart / n**2], 1)
        return torch.cat([closed * (1 + found[:, :TERMS]), noise.beta[:, None] * found[:, TERMS:]], 1)

    def forward(self, walks: Walks, plaquettes: Tensor, noise: Noised) -> tuple[Tensor, Bent]:
        """Compute E (n,) and its second derivatives."""
        weights = self.coefficients(noise)
        along = weights.reshape(*weights.shape, *(1,) * walks.dimension)
        traces = trace(plaquettes)
        energy = weights[:, 0] * _total(1 - traces.real) / 4
        bent = along[:, :1] * self.group.casimir * traces.real.sum(2)
        if self.pairs:
            gain, less = self._pairs(plaquettes, traces, along)
            energy, bent = energy - _total(gain) / 2, bent - less / 2
        for k, loop in enumerate(self.loops, TERMS):
            fields = [(image, walks.trace(image)) for image in images(loop, walks.dimension)]
            energy = energy + weights[:, k] * sum(_total(1 - field) for _, field in fields)
            at_links = sum(walks.at_links(field, image) for image, field in fields)
            bent = bent + along[:, k : k + 1] * self.group.casimir * at_links
        unit = weights[:, 0] * self.group.casimir / self.group.generators
        return energy, Bent(
            unit, bent / self.group.generators, unit.reshape(along[:, 0:1].shape) * _planes(traces.real)
        )

    def _pairs(self, plaquettes: Tensor, traces: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
        """Gain of all pairs of plaquettes at each link, and the sum of its second derivatives along that link."""
        gains, slopes = [], []
        for matrices, traced in ((plaquettes.sum(2), traces.sum(2)), (plaquettes, traces)):
            found = self._invariants(matrices, traced)
            together, apart = (along[:, k : k + 1] for k in (1, 2))
            if matrices is plaquettes:
                together, apart = together[:, None], apart[:, None]
            gains.append(together * self._same(found) - apart * self._opposite(found))
            slopes.append(together * self._same_bent(found) - apart * self._opposite_bent(found))
        return gains[0] - gains[1].sum(2), slopes[0] - slopes[1].sum(2)

    def _invariants(self, matrices: Tensor, traced: Tensor) -> Invariants:
        n = self.group.n
        square = squared(matrices, matrices.mH) * n
        trace2 = traced.real**2 - traced.imag**2
        return Invariants(squared(matrices) * n, (traced.real**2 + traced.imag**2) * n**2, square, trace2 * n**2)

    def _same(self, v: Invariants) -> Tensor:
        """P(V)."""
        return self.group.unit * (v.norm - self.group.traceless * v.modulus) / 4

    def _opposite(self, v: Invariants) -> Tensor:
        """M(V)."""
        return self.group.unit * (v.square - self.group.traceless * v.trace2) / 4

    def _same_bent(self, v: Invariants) -> Tensor:
        """Σ_a ∂_a² P along the link with which the plaquettes of V begin."""
        group = self.group
        return -(group.unit**2) * group.traceless * (v.norm - group.n * v.modulus) / 4

    def _opposite_bent(self, v: Invariants) -> Tensor:
        """Σ_a ∂_a² M along the link with which the plaquettes of V begin."""
        group, less = self.group, self.group.traceless
        casimir = 2 * group.casimir / group.unit
        square = (casimir - 2 * less) * v.square
        return -(group.unit**2) * (square + (1 + less**2 - casimir * less) * v.trace2) / 4


def _planes(at_links: Tensor) -> Tensor:
    """Take each plaquette once of those that begin with each link, (n, D, 2(D − 1), *extents)."""
    d = at_links.shape[1]
    return torch.stack([at_links[:, mu, d + nu - 2] for mu, nu in combinations(range(d), 2)], 1)


def _total(field: Any) -> Any:
    return field.flatten(1).sum(1)
