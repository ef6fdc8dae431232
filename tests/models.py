"""Models for tests: theories that know their own denoiser, saved as trained models are."""

from sqcli.diffusion.models.design import Choice, Design, TrainingEnsemble
from sqcli.diffusion.models.exact import known_statistics
from sqcli.diffusion.models.model import Model
from sqcli.lattice.geometry import Lattice


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
