"""Draws of networks of gauge fields do not depend on the batch that they are drawn in."""

import pytest
import torch
from built import shaken
from gauge import built, process_of

from sqcli.diffusion.links.priors import HaarPrior, SolvedPrior
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers.hmd import MolecularCorrector
from sqcli.diffusion.samplers.maala import AdjustedLangevin
from sqcli.diffusion.samplers.path import Path
from sqcli.lattice.philox import Stream

NETS = [
    ("lcnn", "su2", {"channels": 2, "hidden": 4}),
    ("lcnn", "u2-3d", {"channels": 2, "hidden": 4, "head": "score"}),
    ("u1cnn", "u1", {"channels": 3, "hidden": 4}),
    ("plaquette", "u1", {"nodes": 4}),
]
SAMPLERS = {
    "path": Path(n_steps=5),
    "solved": Path(n_steps=3, level_max=0.5),
    "maala": AdjustedLangevin(n_steps=3, n_adjusted=3),
    "hmd": MolecularCorrector(n_steps=3, n_adjusted=3),
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize(("name", "case", "sizes"), NETS)
def test_six_draws_are_those_of_two_batches_of_three(name, case, sizes, sampler):
    """To rounding, of other sums in products of matrices with other numbers of rows: runs draw whole tiles therefore.

    Paths of plaquettes read tables that no batch is in, and are the same bit for bit.
    """
    process = process_of(shaken(built(name, case, **sizes)).double(), case)

    def drawn(draws):
        return sampler.draw(process, Noise(Stream(3, 0), draws, process.theory.manifold.tangent(process.lattice)))

    whole, parts = drawn(range(6)), [drawn(range(3)), drawn(range(3, 6))]
    exact = name == "plaquette" and isinstance(sampler, Path)
    fields = torch.cat([part.fields for part in parts])
    assert process.theory.manifold.distance(fields.numpy(), whole.fields.numpy()) <= (0 if exact else 1e-10)
    if whole.log_density is not None:
        assert torch.isfinite(whole.log_density).all()
        found = torch.cat([part.log_density for part in parts])
        torch.testing.assert_close(found, whole.log_density, rtol=0, atol=0 if exact else 1e-10)


@pytest.mark.parametrize(
    ("case", "level", "law"), [("su2", 0.0, HaarPrior), ("su2", 0.5, SolvedPrior), ("su2-4d", 0.5, HaarPrior)]
)
def test_paths_of_two_dimensions_start_from_the_theory_below_the_top(case, level, law):
    process = process_of(built("lcnn", case, channels=2, hidden=4), case)
    assert isinstance(process.paths(process.ladder(4, 0.1, level)).prior, law)
