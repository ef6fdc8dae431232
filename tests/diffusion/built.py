"""Small models for tests, not trained."""

import torch

from sqcli.diffusion.models.design import Choice, Design, TrainingEnsemble
from sqcli.diffusion.models.fitting import fit
from sqcli.diffusion.models.model import Model
from sqcli.lattice.geometry import Lattice

SMALL = {
    "mlp": {"width": 8},
    "unet": {"channels": 4, "embedding": 8},
    "ncsnpp": {"channels": 4, "blocks": 1, "embedding": 8},
}
PHI4 = {"kappa": 0.2, "lambda": 0.022}


def design(net="mlp", extents=(4, 4), theory="phi4", parameters=PHI4, couplings=(), objective="dsm", **sizes):
    options = {name: value for name, value in sizes.items() if "__" not in name}
    of_objective = {n.removeprefix("objective__"): v for n, v in sizes.items() if n.startswith("objective__")}
    parts = {
        "net": Choice.build("net", net, SMALL.get(net, {}) | options),
        "schedule": Choice.build("schedule", "ve", {}),
        "objective": Choice.build("objective", objective, of_objective),
        "theory": Choice.build("theory", theory, parameters),
    }
    return Design(parts, Lattice(extents), couplings)


def shaken(net, seed=3):
    """The network with all weights random, also those that begin with 0."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=random)
    return net.eval()


def fields(extents, n=64, seed=5):
    return torch.randn(n, *extents, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def model(net="mlp", extents=(4, 4), seed=1, **sizes):
    made = design(net, extents, **sizes)
    built = shaken(made.build_net(seed))
    entry = TrainingEnsemble(made.lattice, (), fit(fields(extents), made.lattice, built.slow_mode))
    parents = ({"ensemble": "e", "identity": "f" * 64},)
    return Model(made, built, (entry,), seed, "0" * 64, parents, {"epochs": 1}, {"created_at": "2026-01-01T00:00:00"})
