"""Mode statistics, learnt from data beside the weights: units, spectra, the density of the slow mode.

Modes of x = φ/scale have variances G with 1/G = Σ_j stiffness_j(p̂²) M^{2j}: one term, or two given M (a mass that
depends on the field; at tree level of φ⁴ 1/G = 2κ p̂² + … + 12 λ M²). What denoising at level s leaves of a mode has
the variance `ratio` · C with C = G s²/(G + s²), and ratio 1 for Gaussian data. All are tables over p̂², linear in
between, so that lattices of other sizes can be served.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.process.magnetisation import SlowMode
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2

FLOOR = 1e-4  # least inverse variance
NAMES = ("phat2", "stiffness", "levels", "ratio", "slow")


@dataclass(frozen=True)
class ModeStatistics:
    """Statistics of the modes of one training ensemble; tensors in float64.

    Attributes:
        scale: φ = scale · x.
        phat2: p̂² of the rows, increasing, (K,).
        stiffness: coefficients of M^0, M^2, … in 1/G, (P, K).
        levels: noise levels of the ratios, increasing, (R,).
        ratio: measured over Gaussian variance of what denoising leaves, (R, K).
        slow: `SlowMode.numbers`; empty without slow mode.
    """

    scale: float
    phat2: Tensor
    stiffness: Tensor
    levels: Tensor
    ratio: Tensor
    slow: Tensor

    def to(self, device: torch.device) -> "ModeStatistics":
        """Copy the statistics to another device."""
        moved = {name: value.to(device) for name, value in self.tensors().items()}
        return ModeStatistics.from_tensors(self.scale, moved)

    def tensors(self) -> dict[str, Tensor]:
        """Tensors by name, for the file; all but the scale."""
        return {name: getattr(self, name) for name in NAMES}

    @classmethod
    def from_tensors(cls, scale: float, tensors: Mapping[str, Tensor]) -> "ModeStatistics":
        """Build statistics from a scale and `tensors`."""
        return cls(scale, **{name: tensors[name] for name in NAMES})

    def at(self, table: Tensor, lattice: Lattice) -> Tensor:
        """Interpolate a table (…, K) at the momenta of `lattice`: (…, *extents)."""
        where = torch.from_numpy(phat2(lattice.extents)).to(table)
        low = (torch.searchsorted(self.phat2, where) - 1).clamp(0, max(len(self.phat2) - 2, 0))
        high = (low + 1).clamp(max=len(self.phat2) - 1)
        span = (self.phat2[high] - self.phat2[low]).clamp(min=1e-300)
        weight = ((where - self.phat2[low]) / span).clamp(0, 1)
        return table[..., low] * (1 - weight) + table[..., high] * weight

    def spectrum(self, lattice: Lattice, given: Tensor | None) -> Tensor:
        """Variances G_k of the modes of x, given M where there is one: (1 or n, *extents)."""
        terms = self.at(self.stiffness, lattice)
        inverse = terms[:1]
        if given is not None and len(terms) > 1:
            inverse = inverse + terms[1] * (given**2).reshape(-1, *(1,) * lattice.dimension)
        return 1 / inverse.clamp(min=FLOOR)

    def ratio_rows(self, level: Tensor) -> Tensor:
        """Ratios at `level` () by p̂², linear in its logarithm: (K,)."""
        if len(self.levels) == 1:
            return self.ratio[0]
        low = (torch.searchsorted(self.levels, level.detach()) - 1).clamp(0, len(self.levels) - 2)
        span = (self.levels[low + 1] / self.levels[low]).log()
        weight = ((level / self.levels[low]).log() / span).clamp(0, 1)
        return self.ratio[low] * (1 - weight) + self.ratio[low + 1] * weight

    def residual(self, level: Tensor, lattice: Lattice, given: Tensor | None) -> Tensor:
        """Variances of what denoising at `level` () leaves: (1 or n, *extents)."""
        g = self.spectrum(lattice, given)
        return self.at(self.ratio_rows(level), lattice) * g * level**2 / (g + level**2)

    def draw_slow(self, uniform: Tensor, lattice: Lattice) -> tuple[Tensor, Tensor]:
        """Draw M (n,); also the log density of √V M."""
        return SlowMode(self.slow).draw(uniform, lattice.volume)

    def log_slow(self, m: Tensor, lattice: Lattice) -> Tensor:
        """Log density of √V M."""
        return SlowMode(self.slow).log_density(m, lattice.volume)
