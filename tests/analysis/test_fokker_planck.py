"""The stationary P(x, y): closed forms, two solvers and a plain Euler–Maruyama run agree, and moments are exact."""

import numpy as np
import pytest

from sqcli.analysis import fokker_planck
from sqcli.analysis.fokker_planck import finite_volume, gaussian, hermite
from sqcli.errors import UsageError
from sqcli.theories.complex_cosine import ComplexCosine
from sqcli.theories.complex_double_well import ComplexDoubleWell
from sqcli.theories.complex_gaussian import ComplexGaussian
from sqcli.theories.complex_quartic import ComplexQuartic
from sqcli.theories.phi4 import Phi4

UNIT = ComplexQuartic(1 + 1j, 1.0)


@pytest.fixture(scope="module")
def volumes():
    return finite_volume(UNIT)


@pytest.fixture(scope="module")
def expansion():
    return hermite(UNIT)


def moment(theory, n):
    """Quadrature of ⟨zⁿ⟩ along the real axis."""
    x = np.linspace(-12, 12, 20001)
    weight = np.exp(-theory.potential(x))
    return (x**n * weight).sum() / weight.sum()


def plane(stationary):
    return stationary.x[:, None], stationary.y


@pytest.mark.parametrize("sigma0", [1 + 1j, 2 - 0.5j, 0.3 + 4j])
def test_gaussian_of_real_noise_is_the_published_one(sigma0):
    a, b = sigma0.real, sigma0.imag
    found = gaussian(ComplexGaussian(sigma0))
    x, y = plane(found)
    density = np.exp(-a * x**2 - a * (1 + 2 * a**2 / b**2) * y**2 - 2 * a**2 / b * x * y)
    np.testing.assert_allclose(found.density, density / density.sum() / found.area, atol=1e-12)
    assert found.mean(1.0) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("noise_imag", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("sigma0", [1 + 1j, 2 - 0.5j, 0.3 + 4j])
def test_gaussian_solves_the_lyapunov_equation_and_continues_to_the_complex_weight(sigma0, noise_imag):
    theory = ComplexGaussian(sigma0)
    pull = np.array([[sigma0.real, -sigma0.imag], [sigma0.imag, sigma0.real]])
    covariance = fokker_planck.covariance(theory, noise_imag)
    noise = 2 * np.diag([1 + noise_imag, noise_imag])
    np.testing.assert_allclose(pull @ covariance + covariance @ pull.T, noise, atol=1e-12)
    found = gaussian(theory, noise_imag)
    for n, exact in ((2, 1 / sigma0), (4, 3 / sigma0**2), (6, 15 / sigma0**3)):
        assert found.moment(n) == pytest.approx(exact, rel=1e-9)
    x = np.linspace(-2, 2, 9)
    weight = np.exp(-sigma0 * x**2 / 2) * np.sqrt(sigma0 / (2 * np.pi))
    np.testing.assert_allclose(fokker_planck.continued(theory, x, noise_imag), weight, atol=1e-12)


def test_continued_density_is_the_integral_over_the_imaginary_part():
    y, x = np.linspace(-12, 12, 4001), np.array([0.0, 0.4, 1.1])
    shifted = x[:, None] - 1j * y
    density = np.exp(-(shifted**2) - 3 * y**2 - 2 * shifted * y) * np.sqrt(2) / np.pi
    integral = density.sum(1) * (y[1] - y[0])
    np.testing.assert_allclose(fokker_planck.continued(ComplexGaussian(1 + 1j), x), integral, atol=1e-12)


def test_two_solvers_agree_with_each_other_and_with_exact_cumulants(volumes, expansion):
    k2, k4 = 0.428142 - 0.148010j, -0.060347 + 0.100083j
    for found, tolerance in ((volumes, 1e-9), (expansion, 1e-6)):
        m2, m4 = found.moment(2), found.moment(4)
        assert abs(m2 - k2) < 1e-6
        assert abs(m4 - 3 * m2**2 - k4) < 1e-6 + 4 * tolerance
        for n in (2, 4, 6, 8):
            assert abs(found.moment(n) - moment(UNIT, n)) < tolerance * n
    for power in ((2, 0), (1, 1), (0, 2), (2, 2)):  # not holomorphic: known from P alone
        means = [f.mean(plane(f)[0] ** power[0] * plane(f)[1] ** power[1]) for f in (volumes, expansion)]
        assert abs(means[0] - means[1]) < 1e-6


def test_density_is_the_same_and_vanishes_outside_the_strip(volumes, expansion):
    x, y = plane(expansion)
    top = volumes.density.max()
    assert np.abs(volumes.density_at(x, y) - expansion.density).max() < 2e-4 * top
    assert expansion.y[-1] > 0.4
    assert np.abs(expansion.density[:, np.abs(expansion.y) > 0.3029]).max() < 1e-5 * top
    assert volumes.y[-1] < 0.30291
    assert volumes.y[-1] + (volumes.y[1] - volumes.y[0]) / 2 == pytest.approx(0.3029, abs=5e-5)
    assert expansion.density.min() > -1e-5 * top
    assert volumes.density.min() > -1e-5 * top


@pytest.mark.parametrize(
    "theory",
    [ComplexQuartic(1 - 0.3j, 1.0), ComplexQuartic(1 + 1.7j, 1.0), ComplexQuartic(5 + 5j, 1.0),
     ComplexQuartic(1 + 1j, 10.0), ComplexDoubleWell(0.5 + 0.5j, 0.25)],
)  # fmt: skip
def test_other_couplings(theory):
    for found in (finite_volume(theory, (200, 120)), hermite(theory)):
        for n in (2, 4):
            assert found.moment(n) == pytest.approx(moment(theory, n), rel=1e-4)


def test_finite_volumes_converge_with_the_sixth_power_of_the_spacing():
    exact = moment(UNIT, 4)
    coarse, fine = (abs(finite_volume(UNIT, (n, n // 2)).moment(4) - exact) for n in (96, 192))
    assert coarse < 1e-4
    assert fine < coarse / 32


def test_expansion_converges_and_does_not_hang_on_its_scales(expansion):
    few = hermite(UNIT, functions=(40, 128))
    assert 1e-7 < abs(few.moment(2) - expansion.moment(2)) < 1e-3
    other = hermite(UNIT, functions=(72, 400))  # scales go with the numbers
    assert abs(other.moment(2) - expansion.moment(2)) < 1e-6
    assert abs(other.mean(other.y**2) - expansion.mean(expansion.y**2)) < 1e-6


def test_marginals_and_interpolation(volumes):
    along_x, along_y = volumes.marginals()
    assert along_x @ volumes.x**2 * (volumes.x[1] - volumes.x[0]) == pytest.approx(volumes.mean(plane(volumes)[0] ** 2))
    assert along_y.sum() * (volumes.y[1] - volumes.y[0]) == pytest.approx(1)
    np.testing.assert_allclose(volumes.density_at(volumes.x[100], volumes.y[70:90]), volumes.density[100, 70:90])
    assert volumes.density_at([0.0, 9.0], [0.31, 0.0]).tolist() == [0.0, 0.0]


def test_a_plain_run_of_complex_langevin_samples_it(volumes):
    """Independent trajectories, whose means have the scatter; two steps, from which the bias of the step is taken."""

    def run(step, seed):
        rng, z, sums = np.random.default_rng(seed), np.zeros(8000, complex), []
        for i in range(round(14 / step)):
            z = z - UNIT.slope(z) * step + np.sqrt(2 * step) * rng.standard_normal(z.size)
            if i * step > 4 and i % round(0.1 / step) == 0:
                x, y = z.real, z.imag
                sums.append([x**2, y**2, x * y, x**2 * y**2, x**4, (z**4).real, (z**4).imag, np.abs(y) > 0.15])
        means = np.mean(sums, axis=0)
        return means.mean(1), means.std(1, ddof=1) / np.sqrt(z.size)

    (coarse, wide), (fine, narrow) = run(0.01, 1), run(0.005, 2)
    estimate, error = 2 * fine - coarse, np.sqrt(4 * narrow**2 + wide**2)
    x, y = plane(volumes)
    z = x + 1j * y
    values = [x**2, y**2 + 0 * x, x * y, x**2 * y**2, x**4, (z**4).real, (z**4).imag, (np.abs(y) > 0.15) + 0 * x]
    exact = np.array([volumes.mean(v).real for v in values])
    assert np.all(np.abs(estimate - exact) < 4.5 * error + 5e-4)
    assert np.all(error < 0.01)


def test_wrong_limit_of_the_double_well_is_predicted():
    """a = −4 + 10i: complex Langevin was published with 1.98058(2333) − 5.06101(82) i, exact is −0.018 − 0.044 i."""
    theory = ComplexDoubleWell(-4 + 10j, 1.0)
    found = [hermite(theory, extent=(end, end)).moment(2) for end in (3.5, 4.0)]
    assert abs(found[0] - found[1]) < 2e-3
    assert abs(found[1] - (1.98058 - 5.06101j)) < 0.03
    assert abs(found[1] - moment(theory, 2)) > 5


def test_imaginary_noise_spreads_beyond_the_strip_and_spoils_the_moments():
    """Bias of ⟨z²⟩ grows from nothing with N_y, as P gets tails."""
    exact = moment(UNIT, 2)
    small, medium, large = (hermite(UNIT, noise) for noise in (0.01, 0.1, 1.0))
    assert abs(small.moment(2) - exact) < 1e-6
    assert 2e-4 < abs(medium.moment(2) - exact) < 5e-4
    assert abs(large.moment(2) - exact) > 0.1
    outside = [found.mean(np.abs(found.y) > 1 + 0 * found.x[:, None]).real for found in (small, medium, large)]
    assert outside[0] < 1e-6 < 1e-3 < outside[1] < 0.05 < outside[2]


def test_kernel_is_the_theory_of_the_turned_variable():
    turn = np.exp(-0.1j)
    found = hermite(ComplexQuartic(UNIT.sigma0 * turn**2, UNIT.lam * turn**4), extent=(3.6, 1.0))
    for n in (2, 4):
        assert abs(turn**n * found.moment(n) - moment(UNIT, n)) < 1e-4


@pytest.mark.parametrize("solve", [hermite, finite_volume])
@pytest.mark.parametrize(
    ("theory", "words"),
    [
        (ComplexQuartic(1 + 1.8j, 1.0), "B\\^2 < 3 A\\^2"),
        (ComplexDoubleWell(-4 + 1j, 1.0), "A > 0"),
        (ComplexQuartic(1 + 1j, 1 + 0.1j), "real"),
        (ComplexQuartic(1.0 + 0j, 1.0), "the action is real"),
        (ComplexGaussian(1 + 1j), "not 0"),
        (ComplexCosine(0.5, 1.0), "no action c2 z"),
        (Phi4(0.3, 0.02), "no action c2 z"),
    ],
)
def test_solvers_say_where_they_do_not_apply(solve, theory, words):
    with pytest.raises(UsageError, match=words):
        solve(theory)


def test_gaussian_says_where_it_does_not_apply():
    with pytest.raises(UsageError, match="only a Gaussian action"):
        gaussian(UNIT)
    for theory, noise_imag in ((ComplexGaussian(1.0 + 0j), 0.0), (ComplexGaussian(1 + 1j), -0.1)):
        with pytest.raises(UsageError, match="no density"):
            gaussian(theory, noise_imag)


def test_boxes_that_are_none_are_refused():
    with pytest.raises(UsageError, match="must not be negative"):
        hermite(UNIT, -0.1)
    with pytest.raises(UsageError, match="both must be positive"):
        hermite(UNIT, extent=(1.0, 0.0))
    with pytest.raises(UsageError, match="positive real part"):
        hermite(ComplexGaussian(1 + 1j), 0.1)


def test_solutions_that_are_none_are_refused():
    with pytest.raises(UsageError, match="more functions"):
        finite_volume(UNIT, (24, 12))
    with pytest.raises(UsageError, match=r"more functions|more of them"):
        hermite(UNIT, functions=(12, 16))
