"""The exact denoiser as a network: units, refusals, spectra."""

import numpy as np
import pytest
import torch
from gaussians import ONE
from models import known_denoiser, known_statistics

from sqcli.diffusion.nets._base import Problem
from sqcli.diffusion.nets.analytic import Analytic
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories.double_well import DoubleWell
from sqcli.theories.free import Free
from sqcli.theories.gaussian_mixture import GaussianMixture
from sqcli.theories.phi4 import Phi4

CUBE = Lattice((4, 2, 6))
THEORIES = [(Free(mass2=0.3), CUBE), (GaussianMixture(mu0=1.0, sigma0=0.25), ONE), (DoubleWell(a=-4.0, b=1.0), ONE)]


@pytest.mark.parametrize(("theory", "lattice"), THEORIES, ids=["free", "mixture", "well"])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_score_is_the_gradient_of_the_log_density(theory, lattice, scale, rng):
    """Of y in units of `scale`: ∇ log p_s(y) with p_s(y) = scale^V p_{scale s}(scale y)."""
    denoiser = known_denoiser(theory, lattice, Geometric(), scale)
    y = torch.from_numpy(rng.normal(size=(5, *lattice.extents))).requires_grad_()
    for level in (0.05, 0.7, 6.0):
        s = torch.tensor(level, dtype=torch.float64)
        (gradient,) = torch.autograd.grad(theory.log_density(scale * y, scale * s, lattice).sum(), y)
        with torch.no_grad():
            torch.testing.assert_close(denoiser.score(y, s, None), gradient, rtol=1e-6, atol=1e-7)


def test_levels_may_differ_between_draws(rng):
    denoiser = known_denoiser(Free(mass2=0.3), CUBE, Geometric())
    y, levels = torch.from_numpy(rng.normal(size=(3, *CUBE.extents))), torch.tensor([0.1, 1.0, 5.0]).double()
    together = denoiser.denoise(y, levels, None)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], denoiser.denoise(y[i : i + 1], levels[i], None))


def test_facts_hold_the_spectrum_on_any_lattice():
    theory = Free(mass2=0.3)
    statistics = known_statistics(theory, Lattice((4, 4)), scale=2.0)
    for lattice in (Lattice((4, 4)), Lattice((6, 10))):
        np.testing.assert_allclose(4 * statistics.spectrum(lattice, None)[0], theory.propagator(lattice), rtol=1e-12)
    well = known_statistics(DoubleWell(a=-4.0, b=1.0), ONE)
    assert float(well.spectrum(ONE, None)) == pytest.approx(1.835342, abs=1e-6)
    level = torch.tensor(0.5).double()
    assert float(well.residual(level, ONE, None)) == pytest.approx(1.835342 * 0.25 / (1.835342 + 0.25), abs=1e-6)


def test_it_has_nothing_to_train_and_refuses_what_it_does_not_know():
    net = Analytic().build(Problem(Free(mass2=0.3), CUBE, Geometric()))
    assert not list(net.parameters())
    assert net.dtype == torch.float64
    with pytest.raises(UsageError, match="Phi4"):
        Analytic().build(Problem(Phi4(kappa=0.2, lam=0.022), CUBE, Geometric()))
    with pytest.raises(UsageError, match="couplings"):
        Analytic().check(Problem(Free(mass2=0.3), CUBE, Geometric(), ("mass2",)))
