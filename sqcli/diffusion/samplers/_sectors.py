"""Moves between topological sectors after steps that cannot change them: the theory's own, decided by Metropolis."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sqcli.diffusion.process.noise import Noise
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import SectorMoves, Theory

MOST_MOVES = 2**16 - 1  # of a draw: their numbers share a counter's word with the draw's


@dataclass(frozen=True)
class Sectors:
    """Topological sectors of a theory on a lattice.

    Attributes:
        theory: a theory with a charge and moves between its sectors.
    """

    theory: Any
    lattice: Lattice

    def charge(self, fields: Tensor) -> Tensor:
        """Topological charge of each configuration, (n,)."""
        return torch.from_numpy(self.theory.charge(fields.cpu().numpy(), self.lattice)).to(fields.device)

    @cached_property
    def _tables(self) -> tuple[NDArray[Any], ...]:
        width = self.theory.manifold.components(self.lattice)
        return self.lattice.geometry(width), self.lattice.neighbours(), self.theory.couplings(self.lattice)

    def change(self, fields: Tensor, noise: Noise, number: int) -> tuple[Tensor, Tensor]:
        """Make move `number` of each draw: the fields after it, and whether they moved, (n,)."""
        manifold = self.theory.manifold
        planes = np.array(manifold.planes(fields.cpu().numpy(), self.lattice), order="C")
        moved = self.change_rows(planes.reshape(len(fields), -1), noise, number)
        changed = torch.from_numpy(np.ascontiguousarray(manifold.from_planes(planes, self.lattice)))
        return changed.to(fields.device), moved.to(fields.device)

    def change_rows(self, rows: NDArray[np.float64], noise: Noise, number: int) -> Tensor:
        """Make move `number` of each draw in the layout of kernels (n, numbers), in place; whether they moved, (n,)."""
        kernel, tables = self.theory.change_sector("float64"), self._tables
        moved = torch.empty(len(rows), dtype=torch.float64)
        for i, draw in enumerate(noise.draws):
            update = np.uint64(draw + ((1 + number) << 32))
            moved[i] = kernel(rows[i], *tables, update, noise.stream.key)
        return moved


def sectors_of(theory: Theory, lattice: Lattice) -> Sectors | None:
    """Find the sectors of a theory on a lattice; None where there are none, or no moves between them are known."""
    if not isinstance(theory, SectorMoves):
        return None
    try:
        theory.require_sectors(lattice)
    except UsageError:
        return None
    return Sectors(theory, lattice)
