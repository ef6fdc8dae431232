"""log q of the probability flow against exact densities, and its estimators against its exact trace."""

from dataclasses import replace

import pytest
import torch
from gaussians import ONE
from models import known_denoiser, known_statistics
from statistical import mean

from sqcli.diffusion.nets._base import Net
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.divergence import coloured_divergence, colouring, exact_divergence, plain_divergence
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers._base import Weighted
from sqcli.diffusion.samplers._grid_check import grid_errors
from sqcli.diffusion.samplers._ladder import halve, unhalve
from sqcli.diffusion.samplers.ode import ProbabilityFlow
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.runs.sampling.tiles import Proposals
from sqcli.theories.free import Free
from sqcli.theories.gaussian_mixture import GaussianMixture

WIDE = Geometric(level_min=0.005, level_max=60.0)
SMALL = Lattice((4, 4))


def double(value):
    return torch.tensor(value, dtype=torch.float64)


def noise(seed, draws, lattice):
    return Noise(Stream(seed, 0), range(draws), lattice.extents)


class Bent(Net):
    """A network that is not linear: the Wiener filter and a little of a local odd function of neighbours."""

    def forward(self, y, level, context):
        filtered = torch.fft.ifftn(
            context.spectrum / (context.spectrum + level.reshape(-1, 1, 1) ** 2) * torch.fft.fftn(y, dim=(1, 2)),
            dim=(1, 2),
        ).real
        near = y + 0.5 * y.roll(1, 1) - 0.3 * y.roll(-1, 2)
        return filtered + 0.2 * torch.tanh(near)


class Slow(Net):
    """The exact denoiser of a free field given its magnetisation."""

    slow_mode = True

    def forward(self, y, level, context):
        weight = context.spectrum / (context.spectrum + level.reshape(-1, 1, 1) ** 2)
        weight = weight.clone()
        weight[:, 0, 0] = 0.37  # of no consequence for fields without that mode
        return torch.fft.ifftn(weight * torch.fft.fftn(y, dim=(1, 2)), dim=(1, 2)).real


def bent(lattice):
    theory = Free(mass2=0.5)
    return Denoiser(Bent(), known_statistics(theory, lattice), WIDE, theory, lattice, torch.empty(0).double())


def slow(lattice, mass2=0.3):
    theory = Free(mass2=mass2)
    statistics = known_statistics(theory, lattice, 0.8).tensors()
    # −log p(M) = ½ V m² M² in physical units
    statistics["slow"] = double([lattice.volume, 0.0, 1.0, 0.8**2 * lattice.volume * mass2 / 2])
    statistics = ModeStatistics.from_tensors(0.8, statistics)
    return Denoiser(Slow(), statistics, WIDE, theory, lattice, torch.empty(0).double())


@pytest.mark.parametrize(
    ("theory", "lattice"),
    [(Free(mass2=0.4), Lattice((2, 3))), (GaussianMixture(mu0=1.0, sigma0=0.25), ONE)],
    ids=["free", "mixture"],
)
@pytest.mark.parametrize(
    "sampler", [ProbabilityFlow(300), ProbabilityFlow(20, tolerance=3e-9)], ids=["fixed", "adaptive"]
)
def test_log_q_is_the_exact_density(sampler, theory, lattice, seed):
    """To 1e−6 with the exact trace, for draws and for configurations from elsewhere."""
    denoiser = known_denoiser(theory, lattice, WIDE, scale=1.3)
    sampler = replace(sampler, level_max=60.0)
    drawn = sampler.draw(denoiser, noise(seed, 2, lattice))
    exact = theory.log_density(drawn.fields, double(0.0), lattice)
    torch.testing.assert_close(drawn.log_density, exact, rtol=0, atol=1e-6)
    torch.testing.assert_close(exact, -theory.action(drawn.fields, lattice) - theory.log_partition(lattice))
    fields = noise(seed + 1, 2, lattice).normal(0) / 2
    found = sampler.log_density(denoiser, fields, noise(seed, 2, lattice))
    torch.testing.assert_close(found, theory.log_density(fields, double(0.0), lattice), rtol=0, atol=1e-6)


def test_log_q_converges_at_fourth_order(seed):
    theory = GaussianMixture(mu0=1.0, sigma0=0.25)
    denoiser = known_denoiser(theory, ONE, Geometric(level_min=0.003, level_max=300.0))
    fields = double([[0.4], [1.2], [-0.9]])
    exact = theory.log_density(fields, double(0.0), ONE)
    flow = ProbabilityFlow(level_max=300.0)
    errors = [
        (replace(flow, n_steps=n).log_density(denoiser, fields, noise(seed, 3, ONE)) - exact).abs().max()
        for n in (50, 100)
    ]
    assert float(torch.log2(errors[0] / errors[1])) == pytest.approx(4, abs=0.4)


def test_gates_see_a_grid_that_is_too_coarse(seed):
    denoiser = known_denoiser(Free(mass2=0.3), SMALL, Geometric())
    fine, coarse = (grid_errors(ProbabilityFlow(n), denoiser, noise(seed, 3, SMALL)) for n in (60, 6))
    assert max(fine.values()) < 0.01
    assert min(coarse["doubled"], coarse["way_back"]) > 0.3
    assert coarse["round_trip"] > 100 * fine["round_trip"] > 0
    adaptive = grid_errors(ProbabilityFlow(10, tolerance=1e-6), denoiser, noise(seed, 2, SMALL))
    assert max(adaptive.values()) < 1e-2


@pytest.mark.parametrize(("steps", "status"), [(60, "weighted"), (6, "uncorrected")])
def test_what_the_gates_found_decides(steps, status):
    denoiser = known_denoiser(Free(mass2=0.3), SMALL, Geometric())
    found = Proposals(denoiser, ProbabilityFlow(steps), 3).exactness()
    assert found.status == status
    assert "log q_N - log q_2N| <= " in found.reason
    assert ("too coarse" in found.reason) == (status == "uncorrected")
    assert found == Proposals(denoiser, ProbabilityFlow(steps), 3).exactness()


def test_no_density_no_gates():
    denoiser = known_denoiser(Free(mass2=0.3), SMALL, Geometric())
    flow = ProbabilityFlow(6, trace="none")
    assert Proposals(denoiser, flow, 3).exactness() == flow.exactness(denoiser)


def test_there_and_back(seed):
    """Encoded and decoded, a configuration is what it was."""
    denoiser = replace(known_denoiser(Free(mass2=0.5), SMALL, Geometric()), net=Bent())
    fields = noise(seed, 3, SMALL).normal(7)
    flow = ProbabilityFlow(60, trace="none")
    top, _ = flow.encode(denoiser, fields, noise(seed, 3, SMALL))
    torch.testing.assert_close(flow.decode(denoiser, top, None), fields, rtol=0, atol=1e-3)


def brute_force(denoiser, y, level):
    """Jacobians of D, (n, V, V)."""
    volume = denoiser.lattice.volume
    flat = torch.autograd.functional.jacobian(
        lambda x: denoiser.denoise(x.reshape(y.shape), level, None).reshape(len(y), volume).sum(0),
        y.reshape(len(y), volume),
    )
    return flat.transpose(0, 1)


def test_exact_trace_and_determinant_are_those_of_the_jacobian(seed):
    denoiser, y, level = bent(SMALL), noise(seed, 3, SMALL).normal(0), double(0.3)
    jacobians = brute_force(denoiser, y, level)
    divergence = exact_divergence(denoiser, None)
    torch.testing.assert_close(divergence.trace(y, level), torch.stack([j.trace() for j in jacobians]))
    halved = torch.linalg.slogdet((torch.eye(16) + jacobians) / 2)[1]
    torch.testing.assert_close(divergence.log_halved(y, level), halved)


@pytest.mark.parametrize("kind", ["hutchinson", "coloured"])
def test_probes_are_unbiased(kind, judge):
    """Means over 600 draws of probes at one place; levels may differ between draws."""
    lattice = Lattice((6, 4))
    denoiser = bent(lattice)
    make, probes = {"hutchinson": (plain_divergence, 2), "coloured": (coloured_divergence, 1)}[kind]

    def sample(seed, size):
        rows = 600 * size
        y = noise(seed, 1, lattice).normal(0).expand(rows, -1, -1)
        level = double([0.05, 0.5]).repeat(rows // 2)
        exact = exact_divergence(denoiser, None).trace(y[:2], level[:2])
        found = make(denoiser, None, noise(seed, rows, lattice), probes).trace(y, level).reshape(-1, 2)
        assert (found.std(0) > 0).all()
        return mean(found, exact.numpy())

    judge.check(sample)


def test_coloured_probes_spread_less_the_further_apart_they_are(seed):
    lattice = Lattice((8, 8))
    denoiser, rows = bent(lattice), 40
    y = noise(seed, 1, lattice).normal(0).expand(rows, -1, -1)
    spread = [
        float(coloured_divergence(denoiser, None, noise(seed, rows, lattice), d).trace(y, double(0.2)).std())
        for d in (1, 2, 4)
    ]
    assert spread[2] < 1e-10 < 0.5 * spread[0]  # the network's own part reaches one site
    assert spread[1] < spread[0]


def test_the_wiener_part_costs_no_noise(seed):
    """For Gaussian data probes have nothing to estimate."""
    theory = Free(mass2=0.2)
    denoiser = known_denoiser(theory, SMALL, WIDE)
    y, level = noise(seed, 3, SMALL).normal(0), double(0.4)
    exact = exact_divergence(denoiser, None)
    for divergence in (
        plain_divergence(denoiser, None, noise(seed, 3, SMALL), 1),
        coloured_divergence(denoiser, None, noise(seed, 3, SMALL), 2),
    ):
        torch.testing.assert_close(divergence.trace(y, level), exact.trace(y, level))
        torch.testing.assert_close(divergence.log_halved(y, level), exact.log_halved(y, level))


def test_determinant_by_probes_is_that_of_the_jacobian(judge):
    """On average, up to the fifth power of what the network adds (at most 0.15)."""
    denoiser, level = bent(SMALL), double(0.3)

    def sample(seed, size):
        rows = 400 * size
        y = noise(seed, 1, SMALL).normal(0).expand(rows, -1, -1)
        found = plain_divergence(denoiser, None, noise(seed, rows, SMALL), 1).log_halved(y, level)
        return mean(found, float(exact_divergence(denoiser, None).log_halved(y[:1], level)), tolerance=1e-3)

    judge.check(sample)


def test_sites_of_one_colour_are_apart():
    for extents, distance, count in (((8, 12), 4, 16), ((6, 5), 4, 3 * 1), ((4, 4, 4), 8, 64)):
        colours = colouring(Lattice(extents), distance)
        assert int(colours.max()) + 1 == count
        assert torch.bincount(colours.flatten()).unique().numel() == 1


def test_slow_mode_is_conditioned_on_and_counted_once(seed):
    """log q = log p(M) + log p(rest | M), here both exact, on the modes that the flow holds."""
    denoiser, theory = slow(SMALL), Free(mass2=0.3)
    sampler = ProbabilityFlow(150)
    drawn = sampler.draw(denoiser, noise(seed, 4, SMALL))
    exact = theory.log_density(drawn.fields, double(0.0), SMALL)
    torch.testing.assert_close(drawn.log_density, exact, rtol=0, atol=2e-3)  # M's density is constant within cells
    found = sampler.log_density(denoiser, drawn.fields, noise(seed, 4, SMALL))
    torch.testing.assert_close(found, drawn.log_density, rtol=0, atol=1e-6)
    coloured = replace(sampler, trace="coloured", distance=2).draw(denoiser, noise(seed, 4, SMALL))
    torch.testing.assert_close(coloured.log_density, drawn.log_density, rtol=0, atol=1e-6)


def test_half_a_step_can_be_taken_back(seed):
    denoiser, y = bent(SMALL), noise(seed, 3, SMALL).normal(0)
    x = halve(denoiser, y, double(0.1), None)
    torch.testing.assert_close(unhalve(denoiser, x, double(0.1), None), y, rtol=1e-10, atol=1e-10)


def test_what_the_draws_are():
    small, large = (known_denoiser(Free(mass2=1.0), Lattice((n, n)), WIDE) for n in (16, 32))
    assert isinstance(ProbabilityFlow(), Weighted)
    assert ProbabilityFlow(trace="exact").exactness().status == "weighted"
    assert ProbabilityFlow().exactness(small).status == "weighted"
    for found in (ProbabilityFlow().exactness(large), ProbabilityFlow(trace="hutchinson").exactness(small)):
        assert found.status == "uncorrected"
        assert "approximate" in found.reason
    assert ProbabilityFlow(trace="none").exactness(small).status == "uncorrected"
