"""The exact denoiser E[x₀ | y], for theories that know their own (free field, zero-dimensional models).

No weights and no training: what a sampler does wrong with it is the sampler's own.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.nets._base import Context, Net, Problem
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import KnownDenoiser


@dataclass(frozen=True)
class Analytic:
    """Exact score of the theory; it has no parameters."""

    def check(self, problem: Problem) -> None:
        """UsageError unless the theory knows its denoiser."""
        if not isinstance(problem.theory, KnownDenoiser):
            name = type(problem.theory).__name__
            raise UsageError(f"net analytic: the score of {name} is not known in closed form; train another net")
        if problem.couplings:
            raise UsageError("net analytic: it knows one theory, and cannot be told couplings")

    def build(self, problem: Problem) -> Net:
        """Build the network, which computes in float64."""
        self.check(problem)
        assert isinstance(problem.theory, KnownDenoiser)
        return _Known(problem.theory)


class _Known(Net):
    """Denoiser in units of x from the theory's in units of φ = scale · x."""

    def __init__(self, theory: KnownDenoiser) -> None:
        super().__init__()
        self._theory = theory

    def forward(self, y: Tensor, level: Tensor, context: Context) -> Tensor:
        lattice = Lattice(tuple(y.shape[1:]))
        found: Tensor = self._theory.denoise(context.scale * y, context.scale * level, lattice)
        return torch.div(found, context.scale)
