"""The model of a theory that knows its own denoiser: exact score, exact spectrum, no training."""

import torch

from sqcli.diffusion.nets import Problem
from sqcli.diffusion.nets.analytic import Analytic
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.schedules import Schedule
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory
from sqcli.theories.free import Free


def known_statistics(theory: Theory, lattice: Lattice, scale: float = 1.0) -> ModeStatistics:
    """Exact spectrum of x = φ/scale, 1/G = scale² (p̂² + m²) or 1/⟨x²⟩, and residuals as for Gaussian data."""
    known: object = theory
    if isinstance(known, Free):
        momenta = torch.tensor([0.0, 4.0 * lattice.dimension], dtype=torch.float64)
        stiffness = momenta + known.mass2
    else:
        momenta = torch.zeros(1, dtype=torch.float64)
        stiffness = torch.tensor([1 / theory.exact(lattice)["field_squared", None]], dtype=torch.float64)
    ones = torch.ones_like(momenta)[None]
    return ModeStatistics(scale, momenta, scale**2 * stiffness[None], ones[0, :1], ones, momenta[:0])


def known_denoiser(theory: Theory, lattice: Lattice, schedule: Schedule, scale: float = 1.0) -> Denoiser:
    """What samplers see of it; UsageError where the theory's score is not known in closed form."""
    net = Analytic().build(Problem(theory, lattice, schedule))
    statistics = known_statistics(theory, lattice, scale)
    return Denoiser(net, statistics, schedule, theory, lattice, torch.empty(0, dtype=torch.float64))
