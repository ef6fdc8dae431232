"""Networks: symmetries they claim, any extents, and what they are before training."""

import pytest
import torch
from built import SMALL, design, fields, model, shaken

from sqcli.diffusion.models.design import Choice
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice

LEVEL = torch.tensor(0.7, dtype=torch.float64)
NETS = [(name, {"scaling": scaling}) for name in SMALL for scaling in ("edm", "published")] + [
    ("mlp", {"head": "energy"})
]


def denoised(made, y, level=LEVEL):
    """In double precision: normalisation over very few numbers magnifies rounding."""
    made.net.double()
    with torch.no_grad():
        return made.denoiser(lattice=Lattice(tuple(y.shape[1:]))).denoise(y, level, None)


@pytest.mark.parametrize(("name", "options"), NETS)
@pytest.mark.parametrize("extents", [(4,), (5, 8), (4, 3, 6)])
def test_any_extents_and_each_row_for_itself(name, options, extents):
    made = model(name, tuple(max(n, 4) for n in extents), **options)
    y = fields(extents, 3)
    whole = denoised(made, y)
    assert whole.shape == y.shape
    alone = torch.cat([denoised(made, row[None]) for row in y])
    torch.testing.assert_close(whole, alone, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("name", "options"), NETS)
def test_translations(name, options):
    """By any vector where no stride is used, by multiples of the coarsest cell else."""
    made = model(name, (16, 8), **options)
    y, step = fields((16, 8), 2), (3, 1) if name == "mlp" else (8, 8)
    torch.testing.assert_close(
        denoised(made, y.roll(step, (1, 2))), denoised(made, y).roll(step, (1, 2)), rtol=1e-7, atol=1e-8
    )


@pytest.mark.parametrize(("name", "options"), NETS)
def test_z2(name, options):
    y = fields((4, 4), 2)
    odd, free = (model(name, (4, 4), z2=z2, **options) for z2 in (True, False))
    torch.testing.assert_close(denoised(odd, -y), -denoised(odd, y), rtol=1e-9, atol=1e-9)
    assert (denoised(free, -y) + denoised(free, y)).abs().max() > 1e-3


def test_the_energy_head_is_a_gradient():
    """The Jacobian of the score is symmetric; that of the free head is not."""
    y = fields((3, 3), 1)
    for head, symmetric in (("energy", True), ("score", False)):
        denoiser = model("mlp", (3, 3), head=head).denoiser()
        jacobian = torch.func.jacrev(lambda f, d=denoiser: d.score(f, LEVEL, None))(y).reshape(9, 9)
        assert (jacobian - jacobian.T).abs().max() < 1e-5 if symmetric else (jacobian - jacobian.T).abs().max() > 1e-3


def test_the_perceptron_sees_its_distinct_neighbours():
    def inputs(extents):
        return design("mlp", extents).build_net(1).core.layers[0].in_features - 1  # less the noise level

    assert [inputs(e) for e in [(1,), (2,), (3,), (4, 4), (2, 4), (4, 4, 4)]] == [1, 2, 3, 5, 4, 7]


def test_the_published_perceptron():
    """2411.11297: [x, t] → 3 × (Dense 128, SiLU) → 1."""
    part = Choice.build("net", "mlp", {})
    net = part.value.build(design("mlp", (1,)).problem)
    assert [p.shape for p in net.parameters()] == [(128, 2), (128,), *[(128, 128), (128,)] * 2, (1, 128), (1,)]


def test_an_untrained_network_denoises_linearly():
    """2206.00364: with F = 0, D = σ_d²/(s² + σ_d²) y."""
    made = design("ncsnpp")
    net, y = made.build_net(1), fields((4, 4), 2)
    whole = model("ncsnpp")
    denoiser = type(whole.denoiser())(
        net, whole.ensembles[0].statistics, made.schedule, made.theory, made.lattice, torch.zeros(0)
    )
    data2 = denoiser.spectrum(None).mean()
    with torch.no_grad():
        torch.testing.assert_close(denoiser.denoise(y, LEVEL, None), y * data2 / (data2 + LEVEL**2), rtol=1e-6, atol=0)


def test_published_scaling_is_the_networks_output_over_sigma():
    made = model("unet", (8, 8))
    y, denoiser = fields((8, 8), 2), made.denoiser()
    t = made.schedule.time(LEVEL)
    with torch.no_grad():
        found = made.net.core(y.float(), t.float().expand(2)[:, None])
    score = denoiser.score(y, LEVEL, None).detach()
    torch.testing.assert_close(score, found.double() / made.schedule.sigma(t), rtol=1e-4, atol=1e-4)


def test_couplings_matter():
    setting = design("ncsnpp", couplings=("kappa",))
    net, context = shaken(setting.build_net(1)), model("ncsnpp").denoiser()
    from sqcli.diffusion.nets._base import Context

    y, spectrum = fields((4, 4), 2).float(), context.spectrum(None).float()
    level = torch.full((2,), 0.7)
    one, two = (net(y, level, Context(spectrum, torch.full((2, 1), value))) for value in (-1.0, 1.0))
    assert (one - two).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["mlp", "unet", "ncsnpp"])
def test_links_are_refused(name):
    with pytest.raises(UsageError, match="one real number per site"):
        design(name, theory="u1", parameters={"beta": 1.0}).build_net(1)


def test_sizes_that_make_no_network():
    with pytest.raises(UsageError, match="1, 2, 3 dimensions"):
        design("unet", (4, 4, 4, 4)).build_net(1)
    with pytest.raises(UsageError, match="between 1 and"):
        design("mlp", width=10**9)
    with pytest.raises(UsageError, match="multiple of 4"):
        design("unet", channels=6)
