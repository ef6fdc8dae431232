"""Exact results of U(N) and SU(N) on two-dimensional tori: against closed forms, quadrature and random links."""

from itertools import product

import numpy as np
import pytest
from scipy.special import ive
from statistical import ratio

from sqcli.lattice.geometry import Lattice
from sqcli.theories import _characters
from sqcli.theories._characters import boxes_added, coefficients, reach
from sqcli.theories._two_dimensions import (
    _pairs,
    _smooth_charge_squared,
    charge_squared,
    coupling_limits,
    log_partition,
    references,
    wilson_loop,
)
from sqcli.theories.u1 import U1

GROUPS = [(1, False), (2, False), (3, False), (2, True), (3, True), (4, True)]


@pytest.fixture
def fresh():
    """Clears what is kept, before and after."""
    for function in (coefficients, _pairs):
        function.cache_clear()
    yield
    for function in (coefficients, _pairs):
        function.cache_clear()


def by_quadrature(n, special, beta, weight):
    """λ_r/λ_0 by Weyl's formula on a grid of eigenvalues; χ_r = det z_i^(l_j + n − j)/det z_i^(n − j)."""
    angles = 2 * np.pi * np.arange(60) / 60
    grid = np.stack(np.meshgrid(*(n - special) * [angles], indexing="ij"), -1).reshape(-1, n - special)
    if special:
        grid = np.concatenate([grid, -grid.sum(axis=1, keepdims=True)], axis=1)
    z = np.exp(1j * grid)[:, :, None]
    low = np.linalg.det(z ** np.arange(n)[::-1])
    high = np.linalg.det(z ** (np.asarray(weight) + np.arange(n)[::-1]))
    boltzmann = np.exp(beta * np.cos(grid).sum(axis=1) / n)
    return (boltzmann * (low * high.conj()).real).sum() / (boltzmann * np.abs(low) ** 2).sum()


@pytest.mark.parametrize(("n", "special"), [(2, False), (2, True), (3, True)])
@pytest.mark.parametrize("beta", [0.3, 4.0, -3.0])
def test_coefficients_by_quadrature(n, special, beta):
    table = coefficients(n, special, beta, 1)
    for row, column in product(range(6), range(len(table.shifts))):
        shift = table.shifts[column]
        if abs(shift) < 6:
            expected = by_quadrature(n, special, beta, table.weights[row] + shift)
            assert table.values[row, column] == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_coefficients_of_a_group_without_its_negative():
    """SU(3) at β < 0: the sum over determinants cancels all but e^{−3|β|/2N} of its terms."""
    table = coefficients(3, True, -60.0, 1)
    for row in range(6):
        expected = by_quadrature(3, True, -60.0, table.weights[row])
        assert table.values[row, 0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "special"), GROUPS)
def test_characters_add_up_to_the_weight_of_the_identity(n, special):
    beta, orders = 3.0, np.arange(n) - np.arange(n)[:, None]
    shifts = range(-40, 41) if special else (0,)
    trivial = sum(np.linalg.det(ive(np.abs(orders + q), beta / n)) for q in shifts)
    table = coefficients(n, special, beta, 1)
    assert (table.dimensions * table.values).sum() * trivial == pytest.approx(1, rel=1e-11)
    assert np.abs(table.normalised).max() == table.normalised[0].max() == 1


@pytest.mark.parametrize(("weight", "dimension"), [((1, 0, 0), 3), ((2, 1, 0), 8), ((3, 0, 0), 10), ((2, 2, 0), 6)])
def test_dimensions(weight, dimension):
    table = coefficients(3, True, 5.0, 4)
    assert table.dimensions[table.weights.tolist().index(list(weight)), 0] == dimension


def test_boxes():
    weights = coefficients(3, True, 5.0, 4).weights
    names = [tuple(weight) for weight in weights.tolist()]
    found = [(names[r], names[s], q) for r, s, q in boxes_added(weights)]
    assert {f for f in found if f[0] == (0, 0, 0)} == {((0, 0, 0), (1, 0, 0), 0)}
    assert {f[1:] for f in found if f[0] == (2, 1, 0)} == {((3, 1, 0), 0), ((2, 2, 0), 0), ((1, 0, 0), 1)}


@pytest.mark.parametrize("x", [1e-9, 0.1, 2.0, 80.0])
def test_reach(x):
    for decay in (0.1, 20.0, 100.0):
        n = reach(x, decay)
        assert ive(n, x) <= ive(0, x) * np.exp(-decay)
        assert n < 3 + 1.2 * decay + (2.4 * x * decay) ** 0.5


@pytest.mark.parametrize("beta", [0.0, 0.7, 4.0, 30.0])
@pytest.mark.parametrize("extents", [(2, 2), (4, 7), (16, 16)])
def test_u1(beta, extents):
    lattice = Lattice(extents)
    theory, volume = U1(beta), lattice.volume
    assert wilson_loop(1, False, beta, volume, 1).value == pytest.approx(
        theory.exact(lattice)["plaquette", None], rel=1e-12, abs=1e-15
    )
    assert charge_squared(1, beta, volume).value == pytest.approx(theory.charge_squared(lattice), rel=1e-6)
    orders = np.arange(-60, 61)
    bessel = ive(orders, beta) / ive(0, beta)
    expected = (bessel[:-1] ** (volume - 3) * bessel[1:] ** 3).sum() / (bessel**volume).sum()
    assert wilson_loop(1, False, beta, volume, 3).value == pytest.approx(expected, rel=1e-11, abs=1e-15)


@pytest.mark.parametrize(
    ("n", "beta", "volume", "expected"),
    [
        (1, 1, 256, 0.0406362), (1, 3, 256, 0.0110608), (1, 5, 256, 0.00575581), (1, 7, 256, 0.00393131),
        (1, 9, 256, 0.00299416), (1, 11, 256, 0.00241905), (1, 7, 64, 0.00339236), (2, 4, 36, 0.0481207),
    ],
)  # fmt: skip
def test_published_susceptibilities(n, beta, volume, expected):
    value, error = charge_squared(n, float(beta), volume)
    assert value / volume == pytest.approx(expected, rel=2e-6)
    assert error < 1e-9 * value


@pytest.mark.parametrize("n", [1, 2, 3])
def test_charge_at_infinite_temperature_is_that_of_uniform_phases(n):
    assert charge_squared(n, 0.0, 9).value == pytest.approx(9 / 12, rel=1e-14)


@pytest.mark.parametrize(("beta", "volume"), [(0.4, 4), (2.3, 16), (8.0, 35), (40.0, 16)])
def test_su2_is_a_sum_of_bessel_functions(beta, volume):
    order = np.arange(1, 120)
    bessel = ive(order, beta) / ive(1, beta)
    z = (bessel**volume).sum()
    for area in (1, 2, 4):
        up = (order[:-1] + 1) / order[:-1] * bessel[:-1] ** (volume - area) * bessel[1:] ** area
        down = order[:-1] / (order[:-1] + 1) * bessel[1:] ** (volume - area) * bessel[:-1] ** area
        value, error = wilson_loop(2, True, beta, volume, area)
        assert value == pytest.approx((up + down).sum() / (2 * z), rel=1e-12)
        assert error < 1e-13


def test_su2_at_infinite_volume():
    assert wilson_loop(2, True, 2.3, 1000, 1).value == pytest.approx(ive(2, 2.3) / ive(1, 2.3), rel=1e-12)
    assert wilson_loop(2, True, 2.3, 1000, 6).value == pytest.approx((ive(2, 2.3) / ive(1, 2.3)) ** 6, rel=1e-12)


@pytest.mark.parametrize(("n", "special"), GROUPS)
def test_plaquette_is_the_derivative_of_z(n, special):
    volume, beta, step = 6, 2.5, 1e-4
    orders = np.arange(n) - np.arange(n)[:, None]
    shifts = range(-40, 41) if special else (0,)

    def log_z(coupling):
        trivial = sum(np.linalg.det(ive(np.abs(orders + q), coupling / n)) for q in shifts)
        sums = (coefficients(n, special, coupling, volume).normalised ** volume).sum()
        return volume * (coupling + np.log(trivial)) + np.log(sums)

    assert log_partition(n, special, beta, volume) == pytest.approx(log_z(beta) - volume * beta, rel=1e-12)
    slope = (log_z(beta + step) - log_z(beta - step)) / (2 * step * volume)
    assert wilson_loop(n, special, beta, volume, 1).value == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(("n", "special"), GROUPS)
def test_strong_coupling(n, special):
    beta = 1e-4
    expected = beta / n**2 if (n, special) == (2, True) else beta / (2 * n**2)
    assert wilson_loop(n, special, beta, 12, 1).value == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("n", "special"), GROUPS[:-1])
def test_weak_coupling(n, special):
    """(V dim G − rank G)/2 Gaussian modes share the action: that many holonomies are free."""
    volume, dimension, rank = 16, n**2 - special, n - special
    lack = [(1 - wilson_loop(n, special, beta, volume, 1).value) * 2 * beta * volume for beta in (60.0, 120.0)]
    assert 2 * lack[1] - lack[0] == pytest.approx(volume * dimension - rank, rel=4e-3)


def test_su4_at_weak_coupling():
    assert (1 - wilson_loop(4, True, 80.0, 36, 1).value) * 160 * 36 == pytest.approx(36 * 15 - 3, rel=0.05)


@pytest.mark.parametrize("special", [True, False])
def test_sign_of_beta(special):
    assert wilson_loop(2, special, -2.0, 12, 1).value == pytest.approx(
        -wilson_loop(2, special, 2.0, 12, 1).value, rel=1e-14
    )
    assert wilson_loop(3, False, -2.0, 12, 1).value == pytest.approx(
        -wilson_loop(3, False, 2.0, 12, 1).value, rel=1e-14
    )


@pytest.mark.parametrize(("n", "special"), GROUPS[:-1])
def test_log_partition_at_negative_and_huge_coupling(n, special):
    """Z ∝ β^{−modes/2} at weak coupling; U → −U, where the group has it, takes Z(−β) to e^{2βV} Z(β) for even V."""
    volume, beta = 8, 120.0
    there = log_partition(n, special, beta, volume)
    slope = (log_partition(n, special, 1.01 * beta, volume) - there) / np.log(1.01)
    assert slope == pytest.approx(-(volume * (n**2 - special) - (n - special)) / 2, rel=0.06)
    if not special or n % 2 == 0:
        back = log_partition(n, special, -beta, volume)
        assert back == pytest.approx(2 * beta * volume + there, rel=1e-12)


def test_su1_is_trivial():
    assert [wilson_loop(1, True, 3.0, 12, area).value for area in (0, 1, 5, 12)] == pytest.approx(4 * [1], rel=1e-15)


@pytest.mark.parametrize(("n", "special"), GROUPS)
def test_loops_that_enclose_nothing_or_everything(n, special):
    assert wilson_loop(n, special, 2.0, 6, 0).value == pytest.approx(1, rel=1e-14)
    if n == 1:
        assert wilson_loop(n, special, 2.0, 6, 6).value == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize(
    ("n", "special", "beta", "volume"),
    [(1, False, 20.0, 9), (2, False, 12.0, 4), (3, False, 3.0, 12), (2, True, 50.0, 64), (3, True, 9.0, 6)],
)
def test_errors_bound_what_a_much_larger_table_changes(n, special, beta, volume, fresh, monkeypatch):
    def values():
        found = [wilson_loop(n, special, beta, volume, area) for area in (1, 2, volume)]
        return found if special else [*found, charge_squared(n, beta, volume)]

    before = values()
    for name, value in {"LEFT_OUT": 90.0, "SHIFTED_OUT": 80.0, "SPARE_BITS": 512}.items():
        monkeypatch.setattr(_characters, name, value)
    for function in (coefficients, _pairs):
        function.cache_clear()
    for old, new in zip(before, values(), strict=True):
        assert abs(old.value - new.value) <= old.error < 1e-11


def test_errors_say_what_a_small_table_leaves_out(fresh, monkeypatch):
    exact = wilson_loop(3, True, 9.0, 6, 2).value
    for function in (coefficients, _pairs):
        function.cache_clear()
    monkeypatch.setattr(_characters, "LEFT_OUT", 2.0)
    value, error = wilson_loop(3, True, 9.0, 6, 2)
    assert 1e-9 < abs(value - exact) < error < 1e-3


def haar(rng, shape, n, special):
    """Random matrices of U(n) or SU(n), (*shape, n, n)."""
    real, imaginary = rng.standard_normal((2, *shape, n, n))
    q, r = np.linalg.qr(real + 1j * imaginary)
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    q = q * (diagonal / np.abs(diagonal))[..., None, :]
    return q / np.linalg.det(q)[..., None, None] ** (1 / n) if special else q


def traces(links, extents):
    """Loops of all starting points, (m, 2, X, Y, n, n) -> (m, X, Y, n, n)."""
    sides = []
    for mu in (0, 1):
        line = links[:, mu]
        for step in range(1, extents[mu]):
            line = line @ np.roll(links[:, mu], -step, axis=1 + mu)
        sides.append(line)
    across, up = sides
    upper, right = np.roll(across, -extents[1], axis=2), np.roll(up, -extents[0], axis=1)
    return across @ right @ np.conj(np.swapaxes(up @ upper, -1, -2))


@pytest.mark.parametrize(
    ("n", "special", "beta", "extents"),
    [
        (2, True, 3.0, (1, 1)), (3, True, 4.0, (1, 1)), (2, False, 4.0, (1, 1)),
        (2, True, 1.2, (2, 2)), (3, True, 3.0, (2, 2)), (2, False, 2.0, (2, 2)), (1, False, 1.0, (2, 3)),
    ],
)  # fmt: skip
def test_random_links(n, special, beta, extents, judge):
    """Haar-random links weighted by e^{−S}; loops as long as the lattice meet themselves."""
    volume, sizes = extents[0] * extents[1], list(product(*(range(1, extent + 1) for extent in extents)))
    expected = np.array([wilson_loop(n, special, beta, volume, r * t).value for r, t in sizes])
    charged = not special and volume > 2

    def sample(seed, size):
        links = haar(np.random.default_rng(seed), (20000 * size, 2, *extents), n, special)
        loops = [np.trace(traces(links, pair), axis1=-2, axis2=-1).real.mean(axis=(1, 2)) / n for pair in sizes]
        weight = np.exp(beta * volume * loops[0])
        found = {"loops": ratio(weight[:, None] * np.stack(loops, 1), weight[:, None], expected, tolerance=1e-12)}
        if charged:
            charge = np.angle(np.linalg.det(traces(links, (1, 1)))).sum(axis=(1, 2)) / (2 * np.pi)
            assert np.abs(charge - np.rint(charge)).max() < 1e-10
            found["charge"] = ratio(weight * charge**2, weight, charge_squared(n, beta, volume).value)
        return found

    judge.check(sample)


@pytest.mark.parametrize(("n", "special", "generators"), [(1, False, 1), (2, False, 4), (2, True, 3), (3, True, 8)])
def test_limits_of_the_plaquette_at_strong_and_at_weak_coupling(n, special, generators):
    """In two dimensions the strong-coupling one is exact, and weak coupling is right to O(1/β)."""
    strong, weak = coupling_limits(n, special, 60.0, 2)
    assert weak == 1 - generators / 120
    assert abs(strong - weak) < 2 * (generators / 120) ** 2
    slope = coupling_limits(n, special, 1e-4, 4)[0] / 1e-4  # of ⟨(Re tr U/N)²⟩ under Haar's measure
    assert slope == pytest.approx((1 if special and n == 2 else 0.5) / n**2, rel=1e-3)
    assert coupling_limits(n, special, -1.0, 3)[1] == -np.inf


@pytest.mark.parametrize(("n", "beta"), [(1, 1e10), (1, 1e300), (2, 1e8), (3, 1e5)])
def test_huge_couplings_are_answered_at_once(n, beta):
    """It took forever; no exact values are known there, and the charge is that of smooth fields."""
    assert references(n, False, beta, (3, 3)) == {}
    assert charge_squared(n, beta, 9).value == 0
    assert charge_squared(n, beta, int(beta * 4 * np.pi**2 / n**2) if beta < 1e11 else 9).value < 1.01


def test_the_charge_of_smooth_fields_is_the_limit():
    for n in (1, 2):
        assert _smooth_charge_squared(n, 400.0, 4000).value == pytest.approx(
            charge_squared(n, 400.0, 4000).value, rel=0.02
        )
