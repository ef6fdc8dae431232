"""Complex Langevin against exact moments, its schemes and kernels, and what becomes of run-aways."""

import numpy as np
import pytest
from statistical import mean

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.complex_langevin import ComplexLangevin
from sqcli.theories.complex_cosine import ComplexCosine
from sqcli.theories.complex_double_well import ComplexDoubleWell
from sqcli.theories.complex_gaussian import ComplexGaussian
from sqcli.theories.complex_quartic import ComplexQuartic
from sqcli.theories.free import Free

ONE = Lattice((1,))
QUARTIC = ComplexQuartic(1 + 1j, 1 + 0j)


def drawn(theory, algorithm, seed, chains=64, warmup=500, draws=100, every=20, start=0.3, learns=False):
    """Draws z (chains, draws) and the statistics by name; what learns does so in three quarters of the warm-up."""
    system, found = System(theory, ONE), []
    for chain in range(chains):
        state = algorithm.init(system, np.full(1, start, complex), warmup)
        tuned = 3 * warmup // 4 if learns else 0
        state, _ = algorithm.step(system, state, Stream(seed, chain), tuned, warmup, True)
        state, _ = algorithm.step(system, state, Stream(seed, chain), warmup - tuned, warmup, False)
        found.append(algorithm.step(system, state, Stream(seed, chain), draws * every, every, False)[1])
    fields = np.array([trace.fields[:, 0] for trace in found])
    return fields, {name: np.array([trace.stats[name] for trace in found]) for name in algorithm.stats()}


def both(values, expected, tolerance=0.0):
    """Real and imaginary part of means of chains."""
    parts = np.stack([values.real, values.imag], axis=-1).mean(axis=1)
    return mean(parts, np.array([expected.real, expected.imag]), tolerance=tolerance)


@pytest.mark.parametrize(
    "algorithm",
    [
        ComplexLangevin(0.02, "euler"),
        ComplexLangevin(0.02, "half-implicit"),
        ComplexLangevin(0.02, "adaptive", drift_limit=1.0),
        ComplexLangevin(0.02, "euler", noise_imag=0.1),
        ComplexLangevin(0.02, "euler", kernel_angle=-0.2),
        ComplexLangevin(0.02, "euler", kernel_angle="auto"),
        ComplexLangevin(0.02, "runge-kutta"),
        ComplexLangevin(0.02, "runge-kutta", kernel_angle=-0.2, noise_imag=0.1),
    ],
    ids=str,
)
@pytest.mark.parametrize("theory", [ComplexGaussian(1 + 1j), QUARTIC], ids=str)
def test_moments_are_exact_up_to_the_step(theory, algorithm, judge):
    """Of a Gaussian Euler's ⟨z²⟩ is 1/σ₀(1 − ½εKσ₀): 2 %, which the half-implicit steps do not have."""
    exact = theory.exact(ONE)

    def sample(seed, size):
        fields, _ = drawn(theory, algorithm, seed, chains=64 * size)
        return {n: both(fields ** int(n), exact["moments", n], 0.03 * abs(exact["moments", n])) for n in ("2", "4")}

    judge.check(sample)


@pytest.mark.parametrize("scheme", ["euler", "half-implicit", "runge-kutta"])
def test_the_error_of_a_large_step_is_that_of_the_scheme(scheme, judge):
    """Exactly, for a Gaussian: z′ = a z + b η has ⟨z²⟩ = b²/(1 − a²)."""
    sigma0, step = 1 + 0.5j, 0.4
    u = step * sigma0
    exact = {
        "euler": 1 / (sigma0 * (1 - u / 2)),
        "half-implicit": 1 / sigma0,
        "runge-kutta": 2 * step * (1 - u / 2) ** 2 / (1 - (1 - u + u**2 / 2) ** 2),
    }[scheme]

    def sample(seed, size):
        fields, _ = drawn(
            ComplexGaussian(sigma0), ComplexLangevin(step, scheme), seed, chains=64 * size, draws=6000, every=3
        )
        return both(fields**2, exact)

    judge.check(sample)


def test_the_stationary_distribution_is_gaussian_with_known_widths(judge):
    """P ∝ e^{−αx² − βy² − 2γxy}, α = A, β = A(1 + 2A²/B²), γ = A²/B: covariances of x and y."""
    a, b = 1.0, 0.7
    inverse = np.array([[a, a * a / b], [a * a / b, a * (1 + 2 * a * a / b**2)]]) * 2
    covariance = np.linalg.inv(inverse)

    def sample(seed, size):
        z, _ = drawn(
            ComplexGaussian(a + 1j * b), ComplexLangevin(0.005, "half-implicit"), seed, chains=64 * size, every=80
        )
        found = np.stack([z.real**2, z.real * z.imag, z.imag**2], axis=-1).mean(axis=1)
        return mean(found, covariance[[0, 0, 1], [0, 1, 1]], tolerance=0.003)

    judge.check(sample)


def test_real_noise_keeps_to_the_strip():
    """|y| < y₋, y₋² = (A/2λ)(1 − √(1 − B²/3A²)), up to the step."""
    fields, _ = drawn(QUARTIC, ComplexLangevin(0.002, "euler"), 5, chains=8, every=50, draws=400)
    assert 0.26 < np.abs(fields.imag).max() < 0.305
    wide, _ = drawn(QUARTIC, ComplexLangevin(0.002, "euler", noise_imag=0.2), 5, chains=8, every=50, draws=400)
    assert np.abs(wide.imag).max() > 0.4


def test_the_kernel_of_the_thimble_mends_a_double_well(judge):
    """a = −4 + 10i: right with θ = −arg(a)/2, wrong without (2411.11297, its "exact" value corrected)."""
    theory = ComplexDoubleWell(-4 + 10j, 1 + 0j)
    exact = theory.exact(ONE)["moments", "2"]

    def sample(seed, size):
        fields, _ = drawn(theory, ComplexLangevin(0.002, kernel_angle="auto"), seed, chains=64 * size, every=50)
        return both(fields**2, exact, 2e-4)

    judge.check(sample)
    naive, _ = drawn(theory, ComplexLangevin(0.002), 3, chains=32, every=50)
    assert abs((naive**2).mean() - exact) > 1


def test_the_learned_kernel_is_that_of_the_smallest_drift(judge):
    """a = −4 + 10i: around −arg(a)/2 = −0.975, where the drift has a wide minimum, and as right there."""
    theory = ComplexDoubleWell(-4 + 10j, 1 + 0j)
    exact = theory.exact(ONE)["moments", "2"]

    def sample(seed, size):
        algorithm = ComplexLangevin(0.002, kernel_angle="learned")
        fields, stats = drawn(theory, algorithm, seed, chains=32 * size, warmup=20000, every=50, learns=True)
        angles = stats["kernel_angle"][:, 0]
        assert (np.abs(np.sin(angles + 0.975)) < 0.6).all()
        return both(fields**2, exact, 6e-4)

    judge.check(sample)


def test_the_circle_is_wrong_as_it_is_known_to_be():
    """S = iβ cos z on the circle: ⟨e^{iz}⟩ of the process is not −i J₁/J₀ (1808.05187); angles stay in one turn."""
    theory = ComplexCosine(1 + 0j)
    fields, _ = drawn(theory, ComplexLangevin(0.01, drift_limit=2.0), 4, chains=64)
    assert (np.abs(fields.real) <= np.pi).all()
    assert abs(np.exp(1j * fields).mean() - theory.exact(ONE)["harmonics", "1"]) > 0.1


def test_pieces_of_adaptive_steps():
    fields, stats = drawn(QUARTIC, ComplexLangevin(0.05, drift_limit=0.2), 6, chains=4)
    _, whole = drawn(QUARTIC, ComplexLangevin(0.05, "euler"), 6, chains=4)
    assert stats["pieces"].mean() > 1.5
    assert (whole["pieces"] == 1).all()
    assert (stats["drift"] <= stats["drift_max"] + 1e-12).all() or stats["drift"].mean() < stats["drift_max"].mean()
    np.testing.assert_allclose(stats["drift"], np.abs(QUARTIC.slope(fields)), rtol=1e-12)


def test_numbers_of_a_chain_are_standard_normal(judge):
    """Of S = 0.5 σ z² with σ → 0 the moves are the noise: one long row, two numbers a step with complex noise."""
    theory = ComplexGaussian(1e-9 + 0j)

    def sample(seed, size):
        z, _ = drawn(
            theory, ComplexLangevin(0.5, "euler", noise_imag=1.0), seed, chains=8 * size, warmup=4, draws=2000, every=1
        )
        moves = np.diff(z, axis=1)
        x, y = moves.real / np.sqrt(2), moves.imag
        squares = np.stack([x, y, x * x, y * y, x * y, x[:, :1] * x, x**4], axis=-1)[:, 1:].mean(axis=1)
        return mean(squares, np.array([0, 0, 1, 1, 0, 0, 3.0]))

    judge.check(sample)


def test_run_aways_stop_or_start_anew():
    theory = ComplexDoubleWell(-4 + 10j, 1 + 0j)
    fields, stats = drawn(theory, ComplexLangevin(0.3, "euler"), 8, chains=2)
    assert np.isnan(fields[:, -1]).all()
    fields, stats = drawn(theory, ComplexLangevin(0.3, "euler", runaway="restart"), 8, chains=2)
    assert np.isfinite(fields).all()
    assert (stats["runaways"].sum(axis=1) > 10).all()


@pytest.mark.parametrize(
    "values",
    [
        {"step_size": "0"},
        {"noise_imag": "-1"},
        {"drift_limit": "0"},
        {"scheme": "heun"},
        {"kernel_angle": "x"},
        {"runaway": "go"},
    ],
    ids=str,
)
def test_parameters_out_of_range(values):
    with pytest.raises(UsageError):
        parameters.build(registry.load("mcmc", "cle"), values, "cle")


def test_theories_and_algorithms_that_do_not_fit():
    with pytest.raises(UsageError, match="complex action"):
        ComplexLangevin().check(System(Free(1.0), Lattice((4,))), 0)
    with pytest.raises(UsageError, match="warm-up"):
        ComplexLangevin(kernel_angle="learned").check(System(QUARTIC, ONE), 100)
    with pytest.raises(UsageError, match="second derivative"):
        ComplexLangevin(kernel_angle="auto").check(System(ComplexQuartic(0j, 1 + 0j), ONE), 0)
    for name in ("hmc", "fahmc", "langevin", "metropolis", "wolff", "exact", "smc", "heatbath"):
        with pytest.raises(UsageError):
            parameters.build(registry.load("mcmc", name), {}, name).check(System(QUARTIC, ONE), 100)
