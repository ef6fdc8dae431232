"""Symmetries of the network `spectral`, and what it is before training."""

import pytest
import torch

from sqcli.diffusion.models.fitting import fit
from sqcli.diffusion.modes import filtered, modes
from sqcli.diffusion.nets._base import Context, Problem
from sqcli.diffusion.nets.spectral import Spectral
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories.phi4 import Phi4

THEORY = Phi4(0.2, 0.1)


def denoiser(extents, *, random=True, reach=1, head="score"):
    lattice, schedule = Lattice(extents), Geometric()
    torch.manual_seed(1)
    net = Spectral(channels=6, blocks=2, reach=reach, embedding=8, head=head).build(Problem(THEORY, lattice, schedule))
    if random:
        for parameter in net.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    fields = torch.randn(500, *extents, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    return Denoiser(net.double(), fit(fields, lattice, True), schedule, THEORY, lattice, torch.empty(0).double())


def evaluated(d, fields):
    y, given, _ = d.split(fields)
    return d.denoise(y, torch.linspace(0.1, 2, len(fields), dtype=torch.float64), given)


def fields(extents, n=3):
    return torch.randn(n, *extents, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("head", ["score", "energy"])
@pytest.mark.parametrize("extents", [(6, 6), (4, 4, 4), (5,)])
def test_symmetries(extents, head):
    d, phi = denoiser(extents, head=head), fields(extents)
    out = evaluated(d, phi)
    assert (out - evaluated(denoiser(extents, random=False), phi)).abs().max() > 1e-3
    assert torch.allclose(evaluated(d, -phi), -out, atol=1e-12)
    for axis in range(1, len(extents) + 1):
        assert torch.allclose(evaluated(d, phi.roll(2, axis)), out.roll(2, axis), atol=1e-12)
        assert torch.allclose(evaluated(d, phi.flip(axis)), out.flip(axis), atol=1e-12)
    if len(extents) > 1:
        assert torch.allclose(evaluated(d, phi.transpose(1, 2)), out.transpose(1, 2), atol=1e-12)


@pytest.mark.parametrize("extents", [(1,), (2, 3), (4, 4), (7, 5), (3, 4, 5)])
@pytest.mark.parametrize("reach", [0, 1, 2])
def test_any_extents_and_no_slow_mode_in_the_result(extents, reach):
    d = denoiser(extents, reach=reach)
    out = evaluated(d, fields(extents))
    assert out.shape == (3, *extents)
    assert out.flatten(1).mean(1).abs().max() < 1e-12


def test_energy_is_what_the_score_is_the_gradient_of():
    d, phi = denoiser((4, 6), head="energy"), fields((4, 6))
    y, given, _ = d.split(phi)
    level = torch.tensor([0.2, 0.7, 2.0], dtype=torch.float64)
    direction = d.project(fields((4, 6)).flip(0))
    g, step = d.spectrum(given), 1e-5

    def action(field):
        context = Context(g, torch.empty(3, 0, dtype=torch.float64), given)
        gaussian = (modes(field, 2) ** 2 / (g + level[:, None, None] ** 2)).sum((1, 2)) / 2
        return gaussian + d.net.energy(field, level, context)

    slope = (action(y + step * direction) - action(y - step * direction)) / (2 * step)
    assert torch.allclose(-(d.score(y, level, given) * direction).sum((1, 2)), slope, rtol=1e-6)


def test_energy_head_can_be_trained():
    d = denoiser((4, 4), head="energy")
    y, given, _ = d.split(fields((4, 4)))
    d.denoise(y, torch.ones(3, dtype=torch.float64), given).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in d.net.parameters())


def test_untrained_it_is_the_wiener_filter():
    d, phi = denoiser((6, 4), random=False), fields((6, 4))
    y, given, _ = d.split(phi)
    level = torch.tensor(0.7, dtype=torch.float64)
    g = d.spectrum(given)
    expected = filtered(y, g / (g + level**2) * d.mask, 2)
    assert torch.allclose(d.denoise(y, level, given), expected, atol=1e-12)


def test_four_dimensions_are_refused():
    with pytest.raises(UsageError, match="up to 3 dimensions"):
        Spectral().check(Problem(THEORY, Lattice((4, 4, 4, 4)), Geometric()))


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="positive"):
        Spectral(channels=0)
