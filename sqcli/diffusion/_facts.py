"""What a model learns from its data beside the weights: units, spectra, the density of the slow mode.

Modes of x = φ/scale have variances G with 1/G = Σ_j stiffness_j(p̂²) M^{2j}: one term, or two given M (a mass that
depends on the field: tree level gives 1/G = 2κ p̂² + … + 12 λ M²). What denoising at level s leaves of a mode has
the variance `ratio` · G s²/(G + s²), with ratio 1 for Gaussian data. All are tables over p̂², linear in between, so that
lattices of other sizes can be served. The slow mode has −log p(M) = V Σ_j slow_j M^{2j} + const.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2

CELLS = 8192  # of the grid on which M is drawn
REACH = 60.0  # log density below the maximum where that grid ends
FLOOR = 1e-4  # least inverse variance


@dataclass(frozen=True)
class Facts:
    """Tables of one training ensemble; tensors in float64.

    Attributes:
        scale: φ = scale · x.
        phat2: p̂² of the rows, increasing, (K,).
        stiffness: (P, K).
        levels: noise levels of the ratios, increasing, (R,).
        ratio: (R, K).
        slow: coefficients of M², M⁴, …; empty without slow mode.
    """

    scale: float
    phat2: Tensor
    stiffness: Tensor
    levels: Tensor
    ratio: Tensor
    slow: Tensor

    def to(self, device: torch.device) -> "Facts":
        """On another device."""
        return Facts.from_tensors(self.scale, {name: value.to(device) for name, value in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """All but the scale, for the file."""
        return {name: getattr(self, name) for name in ("phat2", "stiffness", "levels", "ratio", "slow")}

    @classmethod
    def from_tensors(cls, scale: float, tensors: Mapping[str, Tensor]) -> "Facts":
        """Inverse of `tensors`."""
        return cls(scale, **{name: tensors[name] for name in ("phat2", "stiffness", "levels", "ratio", "slow")})

    def _at(self, table: Tensor, lattice: Lattice) -> Tensor:
        """Rows of a table (…, K) at the momenta of `lattice`: (…, *extents)."""
        where = torch.from_numpy(phat2(lattice.extents)).to(table)
        if len(self.phat2) == 1:
            return table.expand(*table.shape[:-1], lattice.volume).reshape(*table.shape[:-1], *lattice.extents)
        low = (torch.searchsorted(self.phat2, where) - 1).clamp(0, len(self.phat2) - 2)
        left, right = self.phat2[low], self.phat2[low + 1]
        weight = ((where - left) / (right - left)).clamp(0, 1)
        return table[..., low] * (1 - weight) + table[..., low + 1] * weight

    def spectrum(self, lattice: Lattice, given: Tensor | None) -> Tensor:
        """G_k: (1 or n, *extents)."""
        terms = self._at(self.stiffness, lattice)
        inverse = terms[:1]
        if given is not None and len(terms) > 1:
            inverse = inverse + terms[1] * (given**2).reshape(-1, *(1,) * lattice.dimension)
        return 1 / inverse.clamp(min=FLOOR)

    def residual(self, level: Tensor, lattice: Lattice, given: Tensor | None) -> Tensor:
        """Variances of what denoising at `level` () leaves: (1 or n, *extents)."""
        g = self.spectrum(lattice, given)
        where = (torch.searchsorted(self.levels, level) - 1).clamp(0, max(len(self.levels) - 2, 0))
        above = (where + 1).clamp(max=len(self.levels) - 1)
        span = (self.levels[above] / self.levels[where]).log()
        weight = ((level / self.levels[where]).log() / span).clamp(0, 1) if span > 0 else torch.zeros_like(level)
        ratio = self._at(self.ratio[where] * (1 - weight) + self.ratio[above] * weight, lattice)
        return ratio * g * level**2 / (g + level**2)

    def _slow_action(self, m: Tensor, lattice: Lattice) -> Tensor:
        total = torch.zeros_like(m)
        for coefficient in self.slow.flip(0):
            total = (total + coefficient) * m**2
        return lattice.volume * total

    def _slow_grid(self, lattice: Lattice) -> tuple[Tensor, Tensor, Tensor]:
        """Edges of the cells, log probability density of M in each (constant there), cumulated probability."""
        reach = torch.ones((), dtype=torch.float64, device=self.slow.device)
        probe = torch.linspace(0, 1, 1001, dtype=torch.float64, device=self.slow.device)
        while True:
            values = self._slow_action(reach * probe, lattice)
            if values[-1] - values.min() > REACH:
                break
            reach = reach * 1.5
        inside = (values - values.min() < REACH).nonzero().max()
        reach = reach * probe[min(int(inside) + 1, 1000)]
        edges = torch.linspace(-1, 1, CELLS + 1, dtype=torch.float64, device=self.slow.device) * reach
        log = -self._slow_action((edges[1:] + edges[:-1]) / 2, lattice)
        log = log - torch.logsumexp(log, 0) - torch.log(edges[1] - edges[0])
        cumulated = torch.cumsum(log.exp() * (edges[1] - edges[0]), 0)
        return edges, log, cumulated / cumulated[-1]

    def draw_slow(self, uniform: Tensor, lattice: Lattice) -> tuple[Tensor, Tensor]:
        """M (n,) by inversion, and the log density of √V M."""
        edges, log, cumulated = self._slow_grid(lattice)
        cell = torch.searchsorted(cumulated, uniform, right=True).clamp(max=CELLS - 1)
        below = torch.where(cell > 0, cumulated[cell - 1], torch.zeros_like(uniform))
        part = ((uniform - below) / (cumulated[cell] - below)).clamp(0, 1)
        m = edges[cell] + part * (edges[1] - edges[0])
        return m, log[cell] - 0.5 * torch.log(torch.tensor(lattice.volume, dtype=torch.float64, device=m.device))

    def log_slow(self, m: Tensor, lattice: Lattice) -> Tensor:
        """Log density of √V M, −∞ beyond the grid."""
        edges, log, _ = self._slow_grid(lattice)
        cell = torch.searchsorted(edges, m, right=True) - 1
        found = log[cell.clamp(0, CELLS - 1)]
        found = torch.where((cell >= 0) & (cell < CELLS), found, -torch.inf)
        return found - 0.5 * torch.log(torch.tensor(lattice.volume, dtype=torch.float64, device=m.device))
