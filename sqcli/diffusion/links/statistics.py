"""Statistics of links, learnt from data beside the weights: width of plaquettes, variances of reverse kernels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sqcli.diffusion.links.lie import casimir, generators, link_manifold
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.manifold import AngleLinks
from sqcli.theories import Theory

NAMES = ("beta", "width", "stiffness", "levels", "excess")
RATIOS = (0.2, 5.0)  # bounds of the factors of variances
WIDEST = 1.0  # largest unit of levels: at strong coupling plaquettes are as good as random


@dataclass(frozen=True)
class LinkStatistics:
    """Statistics of the links of one training ensemble; tensors in float64.

    Attributes:
        beta: inverse coupling β of the ensemble, ().
        width: standard deviation of a plaquette's tangent components, () (from ⟨1 − Re tr U/N⟩, as if it were small).
        stiffness: mean square of the force's components, ⟨(∂_a S)²⟩, ().
        levels: noise levels of the table that follows, increasing, (R,).
        excess: e of the factor 1 + e δ²/s² by which variances of reverse kernels are larger than predicted, (R,).
    """

    beta: Tensor
    width: Tensor
    stiffness: Tensor
    levels: Tensor
    excess: Tensor

    @property
    def scale(self) -> float:
        """Unit of the field: 1."""
        return 1.0

    @property
    def beta_trained(self) -> float:
        """Inverse coupling of the training ensemble."""
        return float(self.beta)

    def to(self, device: torch.device) -> "LinkStatistics":
        """Copy the statistics to another device."""
        return LinkStatistics(**{name: value.to(device) for name, value in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """Tensors by name, for the file."""
        return {name: getattr(self, name) for name in NAMES}

    @classmethod
    def from_tensors(cls, scale: float, tensors: Mapping[str, Tensor]) -> "LinkStatistics":
        """Build statistics from `tensors`; ValueError where they do not fit each other."""
        found = cls(**{name: tensors[name] for name in NAMES})
        shapes = [value.shape for value in found.tensors().values()]
        fits = all(value.dtype == torch.float64 for value in found.tensors().values())
        if (
            not fits
            or scale != 1.0
            or any(shapes[:3])
            or len(shapes[3]) != 1
            or shapes[3] != shapes[4]
            or not shapes[3][0]
        ):
            raise ValueError("the tables of links do not fit each other")
        return found

    def unit(self, theory: Theory) -> float:
        """Unit of levels at the coupling of `theory`: half a plaquette's width, so that four such links double it."""
        return min(float(self.width) / 2 * math.sqrt(self._softness(theory)), WIDEST)

    def stiffness_at(self, theory: Theory) -> float:
        """Mean square of the force's components at the coupling of `theory`."""
        return float(self.stiffness) / self._softness(theory)

    def _softness(self, theory: Theory) -> float:
        """β of the ensemble over that of `theory`: variances at small fluctuations grow so."""
        return max(abs(float(self.beta)), 1e-3) / max(abs(coupling(theory)), 1e-3)

    def ratios(self, levels: Tensor) -> Tensor:
        """Factors of the variances of the reverse kernels on a ladder (k + 1,), from each level down: (k,)."""
        above, below = levels[1:], levels[:-1]
        return (1 + self._excess(above) * (1 - (below / above) ** 2)).clamp(*RATIOS)

    def _excess(self, levels: Tensor) -> Tensor:
        """Interpolate e to levels (k,), linear in the logarithm of the level: (k,)."""
        if len(self.levels) == 1:
            return self.excess.expand(len(levels))
        low = (torch.searchsorted(self.levels, levels.contiguous()) - 1).clamp(0, len(self.levels) - 2)
        span = (self.levels[low + 1] / self.levels[low]).log()
        weight = ((levels / self.levels[low]).log() / span).clamp(0, 1)
        return self.excess[low] * (1 - weight) + self.excess[low + 1] * weight


def coupling(theory: Theory) -> float:
    """Inverse coupling β of a gauge theory."""
    found: Any = theory
    return float(found.beta)


def top_level(theory: Theory) -> float:
    """Level at which plaquettes are random: noise of four links has brought ⟨tr U_□/N⟩ to 10⁻³ of what it was.

    Each link's fundamental character decays as e^{−s² C/2}, so s = 1.9 for U(1), 2.1 for SU(2), 1.6 for SU(3). Larger
    loops decay faster. A path's weight sees the square of what is left, per plaquette, as a divergence.
    """
    return math.sqrt(math.log(1e3) / (2 * casimir(link_manifold(theory))))


def fit(fields: Tensor, lattice: Lattice, theory: Theory) -> LinkStatistics:
    """Measure widths and forces on configurations (n, *site), with no excess."""
    manifold = link_manifold(theory)
    free: Any = theory
    planes = lattice.dimension * (lattice.dimension - 1) // 2
    deficit = replace(free, beta=1.0).action(fields, lattice).mean() / (planes * lattice.volume)
    traced = 1.0 if isinstance(manifold, AngleLinks) else 1 / (2 * manifold.n)  # tr T_a²/N
    variance = 2 * deficit / (traced * max(generators(manifold), 1))
    force = free.drift(fields, lattice)
    top = torch.tensor([top_level(theory)], dtype=torch.float64, device=fields.device)
    beta = torch.tensor(coupling(theory), dtype=torch.float64, device=fields.device)
    return LinkStatistics(
        beta, variance.clamp(min=1e-12).sqrt(), (force**2).mean().clamp(min=1e-12), top, torch.zeros_like(top)
    )
