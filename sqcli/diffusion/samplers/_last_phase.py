"""Last phase of a sampler: chains under trajectories with the exact force, each accepted or rejected.

A trajectory has some leapfrog steps √(2ε) and is accepted with min(1, e^{−ΔH}) (hybrid Monte Carlo); of one step it is
a Langevin step ε with the rule of `_adjusted.py` in other words. On the processor links move by the theory's compiled
kernels. Real fields, and links on an accelerator, move as tensors.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers._adjusted import Chains, ExactForce, adjusted, trajectory
from sqcli.diffusion.samplers._leapfrog import leapfrog, measure
from sqcli.diffusion.samplers._sectors import Sectors
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


class LastPhase(Protocol):
    """Chains on their way, changed in place."""

    @property
    def chains(self) -> Chains:
        """Where they are; of compiled ones without drift."""

    def step(self, size: float, normal: Tensor, uniform: Tensor) -> Tensor:
        """Take a trajectory of steps √(2ε); whether each chain moved, (n,)."""

    def change(self, sectors: Sectors, noise: Noise, number: int) -> Tensor:
        """Make a move between topological sectors; whether each chain moved, (n,)."""


@dataclass
class TensorPhase:
    """Chains as tensors."""

    target: ExactForce
    chains: Chains
    count: int

    def step(self, size: float, normal: Tensor, uniform: Tensor) -> Tensor:
        """Take a trajectory of steps √(2ε); whether each chain moved, (n,)."""
        move = adjusted if self.count == 1 else partial(trajectory, self.count)
        self.chains, moved = move(self.target, self.chains, size, normal, uniform)
        return moved

    def change(self, sectors: Sectors, noise: Noise, number: int) -> Tensor:
        """Make a move between topological sectors; whether each chain moved, (n,)."""
        fields, changed = sectors.change(self.chains.fields, noise, number)
        self.chains = self.target.at(fields)
        return changed


class CompiledPhase:
    """Chains of links in the layout of the theory's kernels."""

    def __init__(self, theory: Theory, lattice: Lattice, fields: Tensor, count: int) -> None:
        manifold: Any = theory.manifold
        self.manifold, self.lattice, self.count = manifold, lattice, count
        planes = np.array(manifold.planes(fields.numpy(), lattice), np.float64, order="C")
        self.rows, self.actions = planes.reshape(len(fields), -1), np.empty(len(fields))
        components, momenta = manifold.components(lattice), math.prod(manifold.tangent(lattice)) // lattice.volume
        self.buffers = np.zeros((4, components * lattice.padded_volume))
        self.tables = self.buffers, lattice.geometry(components, momenta), theory.couplings(lattice)
        self.kernels = theory.flow("float64"), theory.finish("float64")
        self._measure()

    def _measure(self) -> None:
        measure("float64")(self.kernels[1], self.rows, self.actions, *self.tables)

    @property
    def chains(self) -> Chains:
        """Where they are; without drift."""
        planes = self.rows.reshape(len(self.rows), -1, *self.lattice.extents)
        fields = torch.from_numpy(np.array(self.manifold.from_planes(planes, self.lattice)))
        return Chains(fields, torch.from_numpy(self.actions.copy()), torch.empty(0))

    def step(self, size: float, normal: Tensor, uniform: Tensor) -> Tensor:
        """Take a trajectory of steps √(2ε); whether each chain moved, (n,)."""
        moved = np.empty(len(self.rows))
        numbers = normal.reshape(len(self.rows), -1).numpy(), uniform.numpy()
        width = math.sqrt(2 * size)
        run = leapfrog("float64")
        run(*self.kernels, self.rows, self.actions, *numbers, *self.tables, self.count, width, moved)
        return torch.from_numpy(moved)

    def change(self, sectors: Sectors, noise: Noise, number: int) -> Tensor:
        """Make a move between topological sectors; whether each chain moved, (n,)."""
        changed = sectors.change_rows(self.rows, noise, number)
        self._measure()
        return changed


def last_phase(process: Process, fields: Tensor, count: int) -> LastPhase:
    """Begin the last phase with configurations (n, *site), by trajectories of `count` steps."""
    theory: Any = process.theory
    if theory.manifold.flat or fields.device.type != "cpu":
        target = ExactForce(theory, process.lattice)
        return TensorPhase(target, target.at(fields), count)
    return CompiledPhase(theory, process.lattice, fields, count)
