"""Process of a complex field as pairs (Re, Im): what complex Langevin samples is a real density of pairs, not e^{−S}.

Pairs are whitened: (Re z, Im z) = L x with L Lᵀ the second moments of the training ensemble, so that both components of
x are of order one, however narrow the strip is on which z lives. Noise is white in x.
"""

import threading
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sqcli.diffusion.nets import Net
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.schedules import Schedule
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

PARTS = 2  # real and imaginary part


@dataclass(frozen=True)
class PairStatistics(ModeStatistics):
    """Statistics of whitened pairs: variances are 1.

    Attributes:
        root: the matrix L, lower triangular, (2, 2).
    """

    root: Tensor

    @classmethod
    def of(cls, root: Tensor) -> "PairStatistics":
        """Build statistics with the matrix L; ValueError where it is none that whitens."""
        if root.shape != (PARTS, PARTS) or root.dtype != torch.float64 or not (root.diagonal() > 0).all():
            raise ValueError("the matrix that whitens pairs is none")
        one = torch.ones(1, dtype=torch.float64, device=root.device)
        return cls(1.0, 0 * one, one[None], one, one[None], one[:0], root)

    def to(self, device: torch.device) -> "PairStatistics":
        """Copy the statistics to another device."""
        return self.of(self.root.to(device))

    def tensors(self) -> dict[str, Tensor]:
        """Tensors by name, for the file."""
        return {"root": self.root}


@dataclass(frozen=True)
class Pairs(Denoiser):
    """A network of pairs at work: y is (n, 2, *extents), fields are complex, (n, *extents)."""

    net: Net
    statistics: PairStatistics
    schedule: Schedule
    theory: Theory
    lattice: Lattice
    couplings: Tensor
    stop: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def freedoms(self) -> int:
        """Number of real numbers that y holds."""
        return PARTS * self.lattice.volume

    @property
    def ones(self) -> tuple[int, ...]:
        """Shape with which numbers (n,) broadcast over the pairs."""
        return (1, *super().ones)

    def spectrum(self, given: Tensor | None) -> Tensor:
        """Variances of the components of x: 1 each, (1, 2, *extents)."""
        return super().spectrum(given)[:, None].expand(-1, PARTS, *self.lattice.extents)

    def from_field(self, field: Tensor) -> Tensor:
        """Whitened pairs of complex fields, (n, 2, *extents)."""
        pairs = torch.stack([field.real, field.imag], 1)
        return torch.einsum("ab,nb...->na...", torch.linalg.inv(self.statistics.root), pairs)

    def to_field(self, x: Tensor) -> Tensor:
        """Complex fields of whitened pairs, (n, *extents)."""
        pairs = torch.einsum("ab,nb...->na...", self.statistics.root, x)
        return torch.complex(pairs[:, 0], pairs[:, 1])

    def field_score(self, score: Tensor) -> Tensor:
        """Score by (Re z, Im z) of the score by x, both (n, 2, *extents)."""
        return torch.einsum("ba,nb...->na...", torch.linalg.inv(self.statistics.root), score)

    @property
    def log_jacobian(self) -> float:
        """Logarithm V log det L of the Jacobian of (Re z, Im z) = L x."""
        return self.lattice.volume * float(torch.logdet(self.statistics.root))
