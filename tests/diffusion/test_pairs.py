"""Complex fields as pairs: units, the score of a Gaussian, gradients and curls, and what is refused of them."""

import numpy as np
import pytest
import torch
from built import design, shaken
from statistical import mean

from sqcli import registry
from sqcli.diffusion.models.design import TrainingEnsemble
from sqcli.diffusion.models.families import family_of
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.nets import Problem
from sqcli.diffusion.nets.mlp import Perceptron
from sqcli.diffusion.objectives.dsm import Denoising
from sqcli.diffusion.objectives.target import TargetScore
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.pairs import Pairs, PairStatistics
from sqcli.diffusion.samplers.maala import AdjustedLangevin
from sqcli.diffusion.samplers.ode import ProbabilityFlow
from sqcli.diffusion.samplers.path import Path
from sqcli.diffusion.samplers.predictor_corrector import PredictorCorrector
from sqcli.diffusion.samplers.sde import ReverseProcess
from sqcli.diffusion.schedules.ve import VarianceExploding
from sqcli.errors import DamageError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.theories.complex_cosine import ComplexCosine
from sqcli.theories.complex_gaussian import ComplexGaussian
from sqcli.theories.phi4 import Phi4

ONE = Lattice((1,))
GAUSSIAN = {"theory": "complex_gaussian", "parameters": {"sigma0": 1 + 1j}, "extents": (1,)}
COVARIANCE = torch.tensor([[0.75, -0.25], [-0.25, 0.25]], dtype=torch.float64)
"""Of what complex Langevin samples at σ₀ = 1 + i: the inverse of 2(α, γ; γ, β) = 2(1, 1; 1, 3)."""


def gaussian_pairs(n, seed=3):
    """Draws z (n, 1) of that distribution."""
    normals = torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    parts = normals @ torch.linalg.cholesky(COVARIANCE).T
    return torch.complex(parts[:, :1], parts[:, 1:])


def pairs(head="score", root=None, shake=True, **sizes):
    """A network of pairs at work, its weights random or such that it is the Wiener filter."""
    made = design(**GAUSSIAN, head=head, **sizes)
    net = made.build_net(1)
    if shake:
        shaken(net)
    else:
        torch.nn.init.zeros_(net.core.layers[-1].weight)
        torch.nn.init.zeros_(net.core.layers[-1].bias)
    statistics = PairStatistics.of(torch.linalg.cholesky(COVARIANCE) if root is None else root)
    return Pairs(net, statistics, made.schedule, made.theory, ONE, torch.empty(0, dtype=torch.float64))


def test_fields_come_back_from_whitened_pairs():
    process, z = pairs(), gaussian_pairs(50000)
    x = process.from_field(z)
    torch.testing.assert_close(process.to_field(x), z)
    moments = torch.einsum("nai,nbi->ab", x, x) / len(x)
    torch.testing.assert_close(moments, torch.eye(2, dtype=torch.float64), atol=0.02, rtol=0)
    fitted = family_of(process.net).fit(z, process.theory, ONE, process.net)
    torch.testing.assert_close(fitted.root @ fitted.root.T, COVARIANCE, atol=0.01, rtol=0)


def test_the_score_is_the_gradient_by_real_and_imaginary_part():
    """Where the network adds nothing the density is Gaussian, with noise in proportion to the data's covariance."""
    process, z = pairs(shake=False), gaussian_pairs(100)
    level = torch.tensor(0.5, dtype=torch.float64)
    score = process.field_score(process.score(process.from_field(z), level, None))
    parts = torch.stack([z.real, z.imag], 1)
    expected = -torch.einsum("ab,nbi->nai", torch.linalg.inv(COVARIANCE), parts) / (1 + 0.5**2)
    torch.testing.assert_close(score, expected, rtol=1e-4, atol=1e-4)


def curl(process, level=0.3):
    """∂_x s_y − ∂_y s_x of the score by (Re z, Im z) at some points, (n,), and the size of its derivatives."""
    x = process.from_field(gaussian_pairs(50))
    root = torch.linalg.inv(process.statistics.root)

    def score(one):
        return process.field_score(process.score(one[None], torch.tensor(level), None))[0, :, 0]

    slopes = torch.stack([torch.func.jacrev(score)(one)[:, :, 0] @ root for one in x]).detach()
    return slopes[:, 1, 0] - slopes[:, 0, 1], float(slopes.abs().max())


@pytest.mark.parametrize(("head", "free"), [("energy", True), ("score", False)])
def test_only_the_energy_head_has_no_curl(head, free):
    process = pairs(head)
    process.net.double()
    found, size = curl(process)
    assert (float(found.abs().max()) < 1e-9 * size) == free


def test_oddness_of_pairs():
    process = pairs(z2=True)
    x, level = process.from_field(gaussian_pairs(20)), torch.tensor(0.5)
    torch.testing.assert_close(process.denoise(-x, level, None), -process.denoise(x, level, None))


SAMPLERS = [
    ReverseProcess(n_steps=100, scheme="heun"),
    ReverseProcess(n_steps=100, scheme="heun", noise=0.0),
    ReverseProcess(n_steps=100, scheme="heun", noise=0.5),
    ProbabilityFlow(),
    ProbabilityFlow(tolerance=1e-5),
    PredictorCorrector(n_steps=300),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_the_covariance_of_a_gaussian_is_drawn_by_the_whole_family(sampler, judge):
    """The score is exact here, so that the reverse process at every noise strength ends in the same distribution."""
    process = pairs(shake=False)
    sampler.check(process)
    assert sampler.exactness(process).status == "uncorrected"

    def sample(seed, size):
        noise = Noise(Stream(seed, 0), range(4000 * size), (2, 1))
        drawn = sampler.draw(process, noise)
        assert drawn.log_density is None
        z = drawn.fields.numpy()[:, 0]
        products = {"xx": z.real**2, "xy": z.real * z.imag, "yy": z.imag**2}
        expected = {"xx": 0.75, "xy": -0.25, "yy": 0.25}
        return {name: mean(values, expected[name], tolerance=0.01) for name, values in products.items()}

    judge.check(sample)


def test_a_model_comes_back_from_its_files(tmp_path):
    made = design(**GAUSSIAN)
    net = shaken(made.build_net(1))
    process = pairs()
    entry = TrainingEnsemble(ONE, (), process.statistics)
    Model(made, net, (entry,), 1, "0" * 64, ({"ensemble": "e", "identity": "f" * 64},)).save(tmp_path / "m")
    found = Model.load(tmp_path / "m").process()
    assert isinstance(found, Pairs)
    x, level = process.from_field(gaussian_pairs(5)), torch.tensor(0.5)
    assert torch.equal(found.denoise(x, level, None), process.denoise(x, level, None))
    assert torch.equal(found.to_field(x), process.to_field(x))
    broken = PairStatistics.of(process.statistics.root)
    object.__setattr__(broken, "root", -broken.root)
    entry = TrainingEnsemble(ONE, (), broken)
    Model(made, net, (entry,), 1, "0" * 64, ({"ensemble": "e", "identity": "f" * 64},)).save(tmp_path / "b")
    with pytest.raises(DamageError, match="whitens"):
        Model.load(tmp_path / "b")


@pytest.mark.parametrize("sampler", [Path(), AdjustedLangevin(), ProbabilityFlow(trace="exact")], ids=str)
def test_what_needs_a_density_is_refused(sampler):
    with pytest.raises(UsageError, match="S is complex"):
        sampler.check(pairs())


def test_the_action_is_no_target():
    process = pairs()
    x = process.from_field(gaussian_pairs(8))
    with pytest.raises(UsageError, match="S is complex"):
        TargetScore().loss(process, x, torch.Generator())
    assert Denoising().loss(process, x, torch.Generator()).shape == (8,)


@pytest.mark.parametrize(
    ("net", "theory", "lattice", "line"),
    [
        ("mlp", ComplexGaussian(1 + 1j), Lattice((4,)), "one complex variable"),
        ("mlp", ComplexCosine(1 + 0j), ONE, "not for an angle"),
        ("spectral", ComplexGaussian(1 + 1j), ONE, "mlp is for pairs"),
    ],
)
def test_nets_say_what_they_are_not_for(net, theory, lattice, line):
    with pytest.raises(UsageError, match=line):
        registry.load("diffusion/nets", net)().check(Problem(theory, lattice, VarianceExploding()))


def test_real_fields_have_the_network_of_before():
    net = Perceptron(width=4).build(Problem(Phi4(0.2, 0.02), Lattice((3, 1)), VarianceExploding()))
    assert net.process == "euclidean"
    assert tuple(next(net.parameters()).shape) == (4, 4)
    assert np.prod(tuple(net.core(torch.ones(2, 3, 1), torch.ones(2, 1)).shape)) == 6
