"""Theories of one complex variable: derivatives, kernels, and exact results against closed forms."""

import cmath
import math

import numpy as np
import pytest
import torch
from scipy.special import gamma, jn_zeros, jv

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import HolomorphicAction
from sqcli.theories.complex_cosine import ComplexCosine
from sqcli.theories.complex_double_well import ComplexDoubleWell
from sqcli.theories.complex_gaussian import ComplexGaussian
from sqcli.theories.complex_quartic import ComplexQuartic

ONE = Lattice((1,))
THEORIES = [
    ComplexGaussian(0.8 - 1.3j), ComplexQuartic(1 + 1j, 1 + 0j), ComplexQuartic(-1 + 2j, 0.7 + 0.4j),
    ComplexDoubleWell(-4 + 10j, 1 + 0j), ComplexCosine(1.4 + 0.2j, 0.3 + 0.1j), ComplexCosine(0.9 + 0j),
]  # fmt: skip


@pytest.fixture
def z(rng):
    return rng.standard_normal(7) + 1j * rng.standard_normal(7)


@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_derivatives(theory, z):
    h = 1e-5 * np.exp(0.4j)
    slope = (theory.potential(z + h) - theory.potential(z - h)) / (2 * h)
    bend = (theory.slope(z + h) - theory.slope(z - h)) / (2 * h)
    np.testing.assert_allclose(theory.slope(z), slope, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(theory.curvature(z), bend, rtol=1e-7, atol=1e-7)
    np.testing.assert_array_equal(theory.drift(z[:, None], ONE), -theory.slope(z)[:, None])
    assert theory.stiffness(ONE) == theory.curvature(np.zeros(1, complex))[0]


@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_kernels_equal_formulas(theory, z):
    assert isinstance(theory, HolomorphicAction)
    kernel, drift, slope = theory.holomorphic("float64"), np.empty(1, complex), np.empty(1, complex)
    for each in z:
        kernel(np.array([each]), ONE.neighbours(), theory.couplings(ONE), drift, slope)
        assert drift[0] == pytest.approx(-theory.slope(each), rel=1e-13)
        assert slope[0] == pytest.approx(-theory.curvature(each), rel=1e-13)


@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_the_action_is_even_and_takes_tensors(theory, z):
    fields = z[:, None]
    action = theory.action(fields, ONE)
    np.testing.assert_allclose(theory.action(-fields, ONE), action, rtol=1e-13)
    np.testing.assert_allclose(theory.action(torch.from_numpy(fields), ONE).numpy(), action, rtol=1e-13)
    np.testing.assert_allclose(
        theory.drift(torch.from_numpy(fields), ONE).numpy(), theory.drift(fields, ONE), rtol=1e-13
    )
    if theory.manifold.period:
        moved = theory.manifold.move(fields, np.full((7, 2, 1), [[9.0], [0.0]]))
        np.testing.assert_allclose(theory.action(moved, ONE), theory.action(fields + 9.0, ONE), rtol=1e-11)
        assert (np.abs(moved.real) <= np.pi).all()


@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_critical_points(theory):
    for point in theory.critical_points():
        assert abs(theory.slope(np.array([point]))[0]) < 1e-12


@pytest.mark.parametrize("sigma0", [1 + 1j, 0.3 - 2j, 5 + 0j])
def test_gaussian(sigma0):
    exact = ComplexGaussian(sigma0).exact(ONE)
    for n, odd in (("2", 1), ("4", 3), ("6", 15), ("8", 105)):
        assert exact["moments", n] == pytest.approx(odd / sigma0 ** (int(n) / 2), rel=1e-12)
    for n in ("4", "6", "8"):
        assert abs(exact["cumulants", n]) < 1e-9 / abs(sigma0) ** (int(n) / 2)
    assert exact["harmonics", "2"] == pytest.approx(cmath.exp(-2 / sigma0), rel=1e-12)
    assert exact["action", None] == pytest.approx(0.5, rel=1e-12)
    assert ComplexGaussian(sigma0).log_partition(ONE) == pytest.approx(cmath.log(2 * math.pi / sigma0) / 2, rel=1e-12)


def test_a_pure_fourth_power():
    """⟨x^{n}⟩ = Γ((n + 1)/4)/Γ(¼) (λ/4)^{−n/4}: the branch that is real for λ > 0."""
    lam = 0.6 + 1.7j
    exact = ComplexQuartic(0j, lam).exact(ONE)
    for n in (2, 4, 6, 8):
        assert exact["moments", str(n)] == pytest.approx(
            gamma((n + 1) / 4) / gamma(0.25) * (lam / 4) ** (-n / 4), rel=1e-11
        )


@pytest.mark.parametrize("a", [-4 + 1j, -4 + 5j, -4 + 10j, -4 + 40j, 4 + 10j, 0.3 - 6j])
def test_double_well_by_quadrature_on_the_real_line(a):
    """In numbers of 40 digits."""
    from mpmath import exp, linspace, mp, quad

    with mp.workdps(40):
        sums = [quad(lambda x, n=n: x**n * exp(-a * x * x - x**4), linspace(-5, 5, 21)) for n in (0, 2, 8)]
        expected = [complex(each / sums[0]) for each in sums[1:]]
    exact = ComplexDoubleWell(a, 1 + 0j).exact(ONE)
    assert exact["moments", "2"] == pytest.approx(expected[0], rel=1e-11)
    assert exact["moments", "8"] == pytest.approx(expected[1], rel=1e-11)


def test_published_numbers():
    """Double well of 2411.11297, its printed value corrected: ⟨φ²⟩ at a = −4 + 10i; cumulants of 2510.01328."""
    well = ComplexDoubleWell(-4 + 10j, 1 + 0j).exact(ONE)
    assert well["field_squared", None] == pytest.approx(-0.0184148 - 0.0435671j, abs=1e-7)
    quartic = ComplexQuartic(1 + 1j, 1 + 0j).exact(ONE)
    expected = {"2": 0.428142 - 0.148010j, "4": -0.060347 + 0.100083j, "6": -0.00934 - 0.19222j, "8": 0.41578 + 0.5923j}
    for n, value in expected.items():
        assert quartic["cumulants", n] == pytest.approx(value, abs=6e-5)


@pytest.mark.parametrize("theory", [each for each in THEORIES if each.exact(ONE).get(("moments", "2"))], ids=str)
def test_identities_hold_for_exact_moments(theory):
    """⟨zS′⟩ = 1 as 2c₂⟨z²⟩ + 4c₄⟨z⁴⟩ = 1, where the action is a polynomial; residuals are those of the definition."""
    exact, fields = theory.exact(ONE), np.array([[0.3 + 0.2j]])
    found = theory.identities(fields, ONE)
    force = theory.slope(fields[0])
    assert found["z_dS"] == pytest.approx(fields[0] * force - 1)
    assert found["z3_dS"] == pytest.approx(fields[0] ** 3 * force - 3 * fields[0] ** 2)
    if hasattr(theory, "terms"):
        c2, c4 = theory.terms()
        assert 2 * c2 * exact["moments", "2"] + 4 * c4 * exact["moments", "4"] == pytest.approx(1, rel=1e-10)
        left = 2 * c2 * exact["moments", "4"] + 4 * c4 * exact["moments", "6"]
        assert left == pytest.approx(3 * exact["moments", "2"], rel=1e-9)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2 + 0.5j])
def test_cosine_on_the_circle_and_under_a_wide_gaussian(beta):
    circle = ComplexCosine(complex(beta)).exact(ONE)
    for k in (1, 2, 3, 4):
        assert circle["harmonics", str(k)] == pytest.approx((-1j) ** k * jv(k, beta) / jv(0, beta), rel=1e-12)
    x = np.arange(4096) * 2 * np.pi / 4096
    weight = np.exp(-1j * beta * np.cos(x))
    assert circle["harmonics", "3"] == pytest.approx((weight * np.exp(3j * x)).sum() / weight.sum(), rel=1e-10)
    assert ComplexCosine(complex(beta)).log_partition(ONE) == pytest.approx(
        cmath.log(weight.mean() * 2 * np.pi), rel=1e-12
    )
    wide = ComplexCosine(complex(beta), 1e-3 + 0j).exact(ONE)
    assert wide["harmonics", "1"] == pytest.approx(circle["harmonics", "1"], rel=1e-10)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("complex_gaussian", {"sigma0": "-1+1j"}),
        ("complex_gaussian", {"sigma0": "1j"}),
        ("complex_quartic", {"sigma0": "1+1j", "lambda": "-1"}),
        ("complex_quartic", {"sigma0": "-1+1j", "lambda": "0"}),
        ("complex_double_well", {"a": "1", "b": "1j"}),
        ("complex_double_well", {"a": "nan", "b": "1"}),
        ("complex_cosine", {"beta": "1", "s": "-1"}),
    ],
)
def test_integrals_that_do_not_converge_are_refused(name, values):
    with pytest.raises(UsageError):
        parameters.build(registry.load("theories", name), values, name)


def test_only_one_variable():
    with pytest.raises(UsageError, match="lattice 1"):
        ComplexGaussian(1 + 0j).check(Lattice((2,)))


def test_too_much_cancellation_is_told():
    """Z is J₀(β), which vanishes, but for what the Gaussian leaves."""
    with pytest.raises(UsageError, match="oscillates"):
        ComplexCosine(jn_zeros(0, 1)[0] + 0j, 1e-4 + 0j).exact(ONE)
