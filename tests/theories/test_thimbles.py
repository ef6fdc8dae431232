"""Lefschetz thimbles: curves, intersection numbers, and sums over thimbles against quadrature on the real line."""

import cmath
import math

import numpy as np
import pytest
from scipy.special import jv

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import missing_weight, thimble_mean, thimble_weights, thimbles
from sqcli.theories._zeros import zeros
from sqcli.theories.complex_cosine import ComplexCosine
from sqcli.theories.complex_double_well import ComplexDoubleWell
from sqcli.theories.complex_gaussian import ComplexGaussian
from sqcli.theories.complex_quartic import ComplexQuartic

SITE = Lattice((1,))
WELLS = [
    ComplexDoubleWell(complex(real, imaginary), 1)
    for real in (-4, 4)
    for imaginary in (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -3)
]
LINES = [
    *WELLS,
    ComplexDoubleWell(4, 1),
    ComplexDoubleWell(-4 + 1e-6j, 1),
    ComplexDoubleWell(-4, 1 + 1j),
    ComplexDoubleWell(-1e-6 + 2j, 1),
    ComplexQuartic(1, 1),
    ComplexQuartic(1 + 1j, 1),
    ComplexQuartic(-1 + 0.3j, 2 + 1j),
    ComplexGaussian(1 + 1j),
    ComplexGaussian(0.1 + 5j),
    ComplexCosine(1, 0.1),
    ComplexCosine(1, 1),
    ComplexCosine(5, 0.5),
    ComplexCosine(2 + 0.5j, 0.5),
    ComplexCosine(1, 1 + 0.5j),
    ComplexCosine(-0.5j, 1),
]


def power(order):
    return lambda z: z**order


square = power(2)


def on_the_line(theory, order):
    """Trapezoidal rule for ∫ x^order e^{−S}, which converges exponentially."""
    step = 1 / 4096
    x = step * np.arange(-(2**17), 2**17 + 1)  # |x| ≤ 32
    return step * (x**order * np.exp(-theory.potential(x))).sum()


@pytest.mark.parametrize("theory", LINES, ids=str)
def test_thimbles_add_up_to_the_integral(theory):
    found = thimbles(theory)
    partition = sum(thimble.number * thimble.partition for thimble in found)
    assert partition == pytest.approx(on_the_line(theory, 0), rel=1e-9)
    assert cmath.log(partition).real == pytest.approx(theory.log_partition(SITE).real, abs=1e-9)
    for order in (2, 4, 8):
        value = sum(thimble.number * thimble.partition * thimble.mean(power(order)) for thimble in found)
        assert value == pytest.approx(on_the_line(theory, order), rel=1e-9)
        assert thimble_mean(theory, power(order)) == pytest.approx(value / partition, rel=1e-9)
    assert thimble_mean(theory, square) == pytest.approx(theory.exact(SITE)["moments", "2"], rel=1e-9)
    assert thimble_weights(theory).sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("beta", [0.1, 1, 3, 2 + 0.5j, -1])
def test_thimbles_of_an_angle(beta):
    """On a circle there are two, whose ends are one period apart."""
    theory = ComplexCosine(beta, 0)
    found = thimbles(theory)
    assert [thimble.number for thimble in found] == [1, 1]
    assert sum(thimble.partition for thimble in found) == pytest.approx(2 * math.pi * jv(0, beta), rel=1e-9)
    assert thimble_mean(theory, lambda z: np.exp(1j * z)) == pytest.approx(-1j * jv(1, beta) / jv(0, beta), rel=1e-9)


@pytest.mark.parametrize(
    ("theory", "numbers"),
    [
        (ComplexDoubleWell(-4 + 0.5j, 1), (1, 1, 1)),
        (ComplexDoubleWell(-4 + 10j, 1), (1, 1, 1)),
        (ComplexDoubleWell(-4 - 10j, 1), (1, 1, 1)),
        (ComplexDoubleWell(-1e-3 + 2j, 1), (1, 1, 1)),
        (ComplexDoubleWell(1e-3 + 2j, 1), (1, 0, 0)),  # the jump is where Re a changes sign
        (ComplexDoubleWell(4 + 10j, 1), (1, 0, 0)),
        (ComplexDoubleWell(4, 1), (1, 0, 0)),
        (ComplexDoubleWell(-4, 1 + 1j), (-1, 1, 1)),
        (ComplexQuartic(1 + 1j, 1), (1, 0, 0)),
        (ComplexGaussian(1 + 1j), (1,)),
    ],
    ids=str,
)
def test_intersection_numbers(theory, numbers):
    assert tuple(thimble.number for thimble in thimbles(theory)) == numbers


@pytest.mark.parametrize("theory", LINES, ids=str)
def test_curves_are_those_of_steepest_ascent_and_descent(theory):
    for thimble in thimbles(theory):
        assert abs(theory.slope(thimble.point)) < 1e-8 * (1 + abs(thimble.action))
        assert thimble.error < 1e-8
        for curve, sign in ((thimble.curve, 1), (thimble.dual, -1)):
            rise = sign * (theory.potential(curve).real - thimble.action.real)
            middle = int(np.argmin(rise))
            assert curve[middle] == thimble.point
            assert (np.diff(rise[: middle + 1]) < 1e-12).all()
            assert (np.diff(rise[middle:]) > -1e-12).all()
        if thimble.number:
            assert theory.potential(thimble.curve[[0, -1]]).real - thimble.action.real == pytest.approx([60, 60])
        ahead, turned = (
            np.diff(curve)[np.argmin(abs(curve - thimble.point))] for curve in (thimble.curve, thimble.dual)
        )
        assert ahead.real > 0 or (ahead.real == 0 and ahead.imag > 0)
        assert turned / ahead / abs(turned / ahead) == pytest.approx(1j, abs=0.01)


@pytest.mark.parametrize("theory", [ComplexDoubleWell(-4, 1), ComplexDoubleWell(2j, 1)], ids=str)
def test_stokes_lines_are_told(theory):
    """At real a < 0 the dual thimble of 0 ends at the wells; at imaginary a those of the wells end at 0."""
    with pytest.raises(UsageError, match="Stokes line"):
        thimbles(theory)


@pytest.mark.parametrize("theory", [ComplexCosine(-1j, 1), ComplexDoubleWell(0, 1)], ids=str)
def test_coinciding_critical_points_are_told(theory):
    with pytest.raises(UsageError, match=r"critical points .* (coincide|too close)"):
        thimbles(theory)


@pytest.mark.parametrize(
    ("imaginary", "measured", "exact"),
    [
        (1, -0.105 - 0.021j, 1.842 - 0.560j),
        (5, -0.054 - 0.058j, -0.544 - 0.195j),
        (6, -0.043 - 0.057j, -0.029 - 0.025j),
        (10, -0.0183 - 0.0434j, -0.0184148 - 0.0435671j),
    ],
)
def test_a_kernel_of_half_the_phase_samples_the_thimble_of_zero(imaginary, measured, exact):
    """Complex Langevin with kernel angle −arg(a)/2 was measured to give these; its bias is what others would add."""
    theory = ComplexDoubleWell(-4 + 1j * imaginary, 1)
    central, *others = thimbles(theory)
    assert central.mean(square) == pytest.approx(measured, abs=1.2e-3)
    share = thimble_weights(theory)[1:]
    bias = sum(part * (other.mean(square) - central.mean(square)) for part, other in zip(share, others, strict=True))
    assert central.mean(square) + bias == pytest.approx(exact, abs=6e-4)


@pytest.mark.parametrize(
    ("a", "weight"), [(-4 + 1j, 0.98584), (-4 + 5j, 0.15861), (-4 + 6j, 0.0094762), (-4 + 10j, 1.0624e-9), (4 + 1j, 0)]
)
def test_missing_weight_decides_whether_one_thimble_will_do(a, weight):
    assert missing_weight(ComplexDoubleWell(a, 1)) == pytest.approx(weight, rel=1e-4)


@pytest.mark.parametrize("imaginary", [6, 8, 10])
def test_weight_at_the_saddle_point(imaginary):
    """−ln |Z_±/Z_0| is (a_I² − 16)/4 at a_R = −4, b = 1, and ½ ln 2 from the Gaussians' widths."""
    central, *others = thimbles(ComplexDoubleWell(-4 + 1j * imaginary, 1))
    for other in others:
        assert -math.log(abs(other.saddle / central.saddle)) == pytest.approx((imaginary**2 - 16) / 4 + math.log(2) / 2)
        assert other.saddle / other.partition == pytest.approx(1, abs=1 / imaginary**2)


def test_zeros_of_a_sine():
    found = zeros(np.sin, np.cos, 10 + 2j)
    assert sorted(value.real for value in found) == pytest.approx([math.pi * n for n in range(-3, 4)], abs=1e-12)
    with pytest.raises(UsageError, match="too close"):
        zeros(lambda z: np.sin(z) ** 2, lambda z: np.sin(2 * z), 10 + 2j)
