"""With the exact score of Gaussian modes and of two Gaussians, samplers err only by their steps, at the known order."""

import pytest
import torch
from gaussians import ONE, FixedNoise, UnitNoise, observed_orders, variance
from models import known_denoiser
from statistical import mean

from sqcli import registry
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers.dpm import DpmSolver
from sqcli.diffusion.samplers.ode import ProbabilityFlow
from sqcli.diffusion.samplers.predictor_corrector import PredictorCorrector
from sqcli.diffusion.samplers.sde import ReverseProcess
from sqcli.diffusion.schedules.geometric import Geometric
from sqcli.diffusion.schedules.interpolation import Interpolation
from sqcli.diffusion.schedules.ve import VarianceExploding
from sqcli.diffusion.schedules.vp import VariancePreserving
from sqcli.diffusion.schedules.vp_power import VariancePreservingPower
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.parameters import build
from sqcli.theories.free import Free
from sqcli.theories.gaussian_mixture import GaussianMixture
from sqcli.theories.u1 import U1

FINE = Geometric(level_min=0.003, level_max=30.0)
MIXTURE = GaussianMixture(mu0=1.0, sigma0=0.25)
CUMULANTS = {2: 1.0625, 4: -2.0, 6: 16.0, 8: -272.0}
PUBLISHED_VE = {2: 0.0067, 4: 0.001, 6: 0.03, 8: 0.7}  # |1.0692(6), −2.001(2), 16.03(3), −272.7(6) − exact|
PUBLISHED_VP = {2: 0.0016, 4: 0.024, 6: 0.28, 8: 6.4}  # |1.0609(5), −1.976(2), 15.72(2), −265.6(6) − exact|
EVERY = {
    "dpm": DpmSolver(8),
    "ode": ProbabilityFlow(6),
    "ode-adaptive": ProbabilityFlow(6, tolerance=1e-4),
    "euler": ReverseProcess(8),
    "heun": ReverseProcess(8, scheme="heun"),
    "exponential": ReverseProcess(8, scheme="exponential", noise=0.5),
    "predictor_corrector": PredictorCorrector(8, n_correct=2),
}


@pytest.mark.parametrize(
    ("order", "uses", "make", "schedule", "steps"),
    [
        (2, 0, DpmSolver, FINE, (80, 160)),
        (4, 0, lambda n: ProbabilityFlow(n, trace="none"), FINE, (40, 80)),
        (2, 0, lambda n: ReverseProcess(n, scheme="heun", noise=0.0), FINE, (80, 160)),
        (2, 1, lambda n: ReverseProcess(n, scheme="heun", noise=0.6), FINE, (80, 160)),
        (2, 1, lambda n: ReverseProcess(n, scheme="heun"), FINE, (80, 160)),
        (1, 0, lambda n: ReverseProcess(n, scheme="exponential", noise=0.0), FINE, (160, 320)),
        (1, 1, lambda n: ReverseProcess(n, scheme="exponential", noise=0.6), FINE, (160, 320)),
        (1, 1, lambda n: ReverseProcess(n, scheme="exponential"), FINE, (160, 320)),
        (1, 0, lambda n: ReverseProcess(n, noise=0.0), VarianceExploding(), (200, 400)),
        (1, 1, ReverseProcess, VarianceExploding(), (200, 400)),
        (1, 1, lambda n: PredictorCorrector(n, n_correct=0), FINE, (160, 320)),
    ],
    ids=[
        "dpm",
        "rk4",
        "heun0",
        "heun",
        "heun1",
        "exponential0",
        "exponential",
        "exponential1",
        "euler0",
        "euler",
        "pc",
    ],
)
def test_variance_of_a_mode_converges_at_the_order_of_the_scheme(order, uses, make, schedule, steps):
    mass2 = 0.3
    (found,) = observed_orders(lambda n: variance(make(n), schedule, mass2, uses) * mass2 - 1, steps)
    assert found == pytest.approx(order, abs=0.15)
    assert abs(variance(make(steps[-1]), schedule, mass2, uses) * mass2 - 1) < 0.1


def test_half_a_denoising_step_ends_at_second_order():
    """At many steps the error left is that of the last level alone: ¼ (s²/G)²/(1 + s²/G)."""
    for s in (0.1, 0.3):
        found = variance(ProbabilityFlow(100, trace="none", level_min=s), FINE, uses=0)
        assert found - 1 == pytest.approx(0.25 * s**4 / (1 + s**2), rel=0.02)


def test_correctors_leave_the_bias_of_their_own_step():
    """Langevin steps of size ε on precision k have the variance 1/(k (1 − εk/2)); here εk = 2 snr² at all levels."""
    for snr in (0.2, 0.3):
        found = variance(PredictorCorrector(150, snr=snr, n_correct=1), FINE, uses=2)
        assert found == pytest.approx(1 / (1 - snr**2), rel=1e-4)


@pytest.mark.parametrize(("snr", "low", "high"), [(PredictorCorrector().snr, 0.97, 1.06), (0.16, 1.65, 1.95)])
def test_correctors_hardly_widen_narrow_peaks(snr, low, high, judge):
    """Two Gaussians, 17 times more precise than both together: Langevin's bias is 3 % of the variance of each."""
    denoiser = known_denoiser(MIXTURE, ONE, VarianceExploding())

    def sample(seed, size):
        x = PredictorCorrector(300, snr=snr).draw(denoiser, _Torch(seed, 8000 * size)).fields[:, 0]
        return mean((x.abs() - 1) ** 2 / 0.25**2, (low + high) / 2, tolerance=(high - low) / 2)

    judge.check(sample)


def test_noise_of_the_lambda_family_is_lambda_times_that_of_the_reverse_process():
    """Every λ has the same marginals; the share of the start in the variance is r^{2(1+λ²)} of an exact solution."""
    denoiser = known_denoiser(Free(mass2=1.0), ONE, FINE)
    for lam in (0.0, 0.5, 1.0):
        sampler = ReverseProcess(200, scheme="heun", noise=lam, level_max=3.0)
        fields = sampler.draw(denoiser, UnitNoise(201)).fields[:, 0]
        expected = (1 / (1 + 9)) ** (lam**2)  # ∏ (G + s'²)/(G + s²) to the power (1+λ²) over the growth (G + s²)
        assert float(fields[0] ** 2) == pytest.approx(expected, rel=0.02)
        assert float((fields**2).sum()) == pytest.approx(1, abs=3e-3)


def cumulants(x, weights):
    """κ₂ … κ₈ of an even distribution from weighted points."""
    m2, m4, m6, m8 = (float((weights * x**n).sum()) for n in (2, 4, 6, 8))
    k4 = m4 - 3 * m2**2
    k6 = m6 - 15 * m4 * m2 + 30 * m2**3
    k8 = m8 - 28 * m6 * m2 - 35 * m4**2 + 420 * m4 * m2**2 - 630 * m2**4
    return {2: m2, 4: k4, 6: k6, 8: k8}


@pytest.mark.parametrize(
    "schedule",
    [VarianceExploding(), VariancePreserving(), VariancePreservingPower(), Interpolation(c=0.5)],
    ids=["ve", "vp", "vp_power", "interpolation"],
)
@pytest.mark.parametrize("sampler", [DpmSolver(100), ProbabilityFlow(40, trace="none")], ids=["dpm", "ode"])
def test_two_gaussians_end_with_their_cumulants(schedule, sampler):
    """The deterministic samplers map the start's quantiles to the end's, so moments are sums over them."""
    z = torch.linspace(-9, 9, 4001, dtype=torch.float64)
    weights = torch.exp(-(z**2) / 2) / torch.exp(-(z**2) / 2).sum()
    x = sampler.draw(known_denoiser(MIXTURE, ONE, schedule), FixedNoise(z[:, None])).fields[:, 0]
    found = cumulants(x, weights)
    for n, exact in CUMULANTS.items():
        assert abs(found[n] - exact) <= PUBLISHED_VE[n], found


@pytest.mark.parametrize("name", ["heun", "exponential", "euler", "predictor_corrector"])
def test_stochastic_samplers_draw_two_gaussians(name, judge):
    """⟨x²⟩ and ⟨x⁴⟩ but for the bias of finite steps, 1 %."""
    sampler = {
        "heun": ReverseProcess(100, scheme="heun"),
        "exponential": ReverseProcess(200, scheme="exponential", noise=0.3),
        "euler": ReverseProcess(400),
        "predictor_corrector": PredictorCorrector(150),
    }[name]
    denoiser = known_denoiser(MIXTURE, ONE, VarianceExploding())

    def sample(seed, size):
        x = sampler.draw(denoiser, _Torch(seed, 20_000 * size)).fields[:, 0]
        exact = {2: 1.0625, 4: -2 + 3 * 1.0625**2}
        moments = {n: mean(x**n, value, tolerance=0.01 * value) for n, value in exact.items()}
        return moments | {1: mean(x, 0.0)}

    judge.check(sample)


class _Torch:
    """Many draws of independent numbers at once."""

    def __init__(self, seed, draws):
        self.generator = torch.Generator().manual_seed(seed)
        self.draws = draws

    def normal(self, step):
        return torch.randn(self.draws, 1, dtype=torch.float64, generator=self.generator)

    def uniform(self, step):
        return torch.rand(self.draws, dtype=torch.float64, generator=self.generator)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schedule", "published"),
    [(VarianceExploding(), PUBLISHED_VE), (VariancePreservingPower(), PUBLISHED_VP)],
    ids=["ve", "vp_power"],
)
def test_published_scheme_ends_with_the_cumulants(schedule, published, judge):
    """500 Euler–Maruyama steps: deviations no larger than published, and the errors of 4·10⁵ draws."""
    denoiser = known_denoiser(MIXTURE, ONE, schedule)
    weights = torch.full((20_000,), 1 / 20_000, dtype=torch.float64)

    def sample(seed, size):
        x = ReverseProcess(500).draw(denoiser, _Torch(seed, 400_000 * size)).fields[:, 0]
        parts = [cumulants(part, weights) for part in x.split(20_000)]
        return {n: mean([part[n] for part in parts], v, tolerance=published[n]) for n, v in CUMULANTS.items()}

    judge.check(sample)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("theory", "lattice"), [(Free(mass2=0.4), Lattice((4, 6))), (MIXTURE, ONE)], ids=["free", "mixture"]
)
def test_a_draw_does_not_depend_on_its_batch(name, theory, lattice, seed):
    sampler, denoiser = EVERY[name], known_denoiser(theory, lattice, Geometric(), scale=1.7)
    whole = sampler.draw(denoiser, Noise(Stream(seed, 3), range(5), lattice.extents))
    for rows in ([0], [1, 2], [3, 4]):
        part = sampler.draw(denoiser, Noise(Stream(seed, 3), rows, lattice.extents))
        assert torch.equal(part.fields, whole.fields[rows])
        if whole.log_density is not None:
            assert torch.equal(part.log_density, whole.log_density[rows])


class _Watched:
    """White noise that remembers which numbers were asked for."""

    def __init__(self):
        self.steps = []

    def normal(self, step):
        self.steps.append(step)
        return torch.randn(2, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(step))

    def uniform(self, step):
        return torch.full((2,), 0.5, dtype=torch.float64)


@pytest.mark.parametrize("name", EVERY)
def test_every_random_number_is_used_once(name):
    noise = _Watched()
    EVERY[name].draw(known_denoiser(MIXTURE, ONE, Geometric()), noise)
    assert sorted(noise.steps) == list(range(len(noise.steps)))


def test_scale_is_only_a_unit():
    noise = Noise(Stream(1, 0), range(3), (4, 4))
    theory, lattice = Free(mass2=0.5), Lattice((4, 4))
    plain = DpmSolver(level_min=0.02, level_max=50.0).draw(known_denoiser(theory, lattice, Geometric()), noise)
    scaled = known_denoiser(theory, lattice, Geometric(), scale=2.0)
    other = DpmSolver(level_min=0.01, level_max=25.0).draw(scaled, noise)
    torch.testing.assert_close(plain.fields, other.fields, rtol=1e-11, atol=1e-12)


def test_levels_do_not_exceed_what_the_data_need():
    denoiser = known_denoiser(MIXTURE, ONE, VariancePreservingPower())
    assert DpmSolver().ladder(denoiser)[0] == pytest.approx(20 * 1.0625**0.5)
    assert torch.isfinite(ReverseProcess(20).draw(denoiser, _Torch(1, 10)).fields).all()
    published = ReverseProcess(20).ladder(known_denoiser(MIXTURE, ONE, VariancePreserving()))
    assert published[0] == pytest.approx(VariancePreserving().level_max)


def test_where_nothing_is_known_or_real_they_refuse():
    with pytest.raises(UsageError, match="not known"):
        known_denoiser(U1(beta=1.0), Lattice((4, 4)), Geometric())
    denoiser = known_denoiser(Free(mass2=1.0), ONE, Geometric())
    links = type(denoiser)(denoiser.net, denoiser.statistics, Geometric(), U1(beta=1.0), ONE, denoiser.couplings)
    for sampler in EVERY.values():
        sampler.check(denoiser)
        with pytest.raises(UsageError, match="real fields"):
            sampler.check(links)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("dpm", {"n_steps": 0}),
        ("dpm", {"level_min": -1}),
        ("sde", {"noise": 1.5}),
        ("sde", {"scheme": "leapfrog"}),
        ("ode", {"distance": 0}),
        ("predictor_corrector", {"snr": 0}),
    ],
)
def test_senseless_parameters_are_refused(name, values):
    with pytest.raises(UsageError, match=name):
        build(registry.load("diffusion/samplers", name), values, f"sampler {name}")


def test_without_log_q_draws_are_uncorrected():
    for name, sampler in EVERY.items():
        assert sampler.exactness().status == "uncorrected", name
        assert sampler.stats(Free(1.0)) == ()
