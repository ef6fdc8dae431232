"""Models for tests: theories that know their own denoiser, with exact spectra, also saved as trained models are."""

import torch

from sqcli.analysis import fokker_planck
from sqcli.diffusion.models.design import Choice, Design, TrainingEnsemble
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.nets import Problem
from sqcli.diffusion.nets.analytic import Analytic
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.process.pairs import PairStatistics
from sqcli.lattice.geometry import Lattice
from sqcli.theories.complex_gaussian import ComplexGaussian
from sqcli.theories.free import Free


def known_statistics(theory, lattice, scale=1.0):
    """Exact spectrum of x = φ/scale, 1/G = scale² (p̂² + m²) or 1/⟨x²⟩, and residuals as for Gaussian data."""
    if isinstance(theory, Free):
        momenta = torch.tensor([0.0, 4.0 * lattice.dimension], dtype=torch.float64)
        stiffness = momenta + theory.mass2
    else:
        momenta = torch.zeros(1, dtype=torch.float64)
        stiffness = torch.tensor([1 / theory.exact(lattice)["field_squared", None]], dtype=torch.float64)
    ones = torch.ones_like(momenta)[None]
    return ModeStatistics(scale, momenta, scale**2 * stiffness[None], ones[0, :1], ones, momenta[:0])


def known_denoiser(theory, lattice, schedule, scale=1.0):
    """What samplers see of it; UsageError where the theory's score is not known in closed form."""
    net = Analytic().build(Problem(theory, lattice, schedule))
    statistics = known_statistics(theory, lattice, scale)
    return Denoiser(net, statistics, schedule, theory, lattice, torch.empty(0, dtype=torch.float64))


def known_model(path, extents=(4, 4), theory="free", identity="m" * 64, **parameters):
    """The exact model of a theory; sampled for other parameters of it, a wrong one whose weights are known."""
    choices = {"net": "analytic", "schedule": "ve", "objective": "dsm"}
    parts = {kind: Choice.build(kind, name, {}) for kind, name in choices.items()}
    parts["theory"] = Choice.build("theory", theory, parameters or {"mass2": 0.5})
    lattice = Lattice(extents)
    design = Design(parts, lattice)
    entry = TrainingEnsemble(lattice, (), known_statistics(design.theory, lattice))
    Model(design, design.build_net(1), (entry,), 1, identity).save(path)
    return path


def pairs_model(path, sigma0=1 + 1j, theory="complex_gaussian", parameters=None):
    """The model of what complex Langevin samples of a Gaussian: a perceptron that adds nothing to the Wiener filter.

    Of another `theory` it is a wrong one.
    """
    parts = {"net": Choice.build("net", "mlp", {"width": 8}), "schedule": Choice.build("schedule", "ve", {})}
    parts |= {"objective": Choice.build("objective", "dsm", {})}
    parts["theory"] = Choice.build("theory", theory, parameters or {"sigma0": sigma0})
    design = Design(parts, Lattice((1,)))
    net, covariance = design.build_net(1), fokker_planck.covariance(ComplexGaussian(sigma0))
    for last in list(net.parameters())[-2:]:
        torch.nn.init.zeros_(last)
    statistics = PairStatistics.of(torch.linalg.cholesky(torch.from_numpy(covariance)))
    Model(design, net, (TrainingEnsemble(design.lattice, (), statistics),), 1, "c" * 64).save(path)
    return path
