"""What is known exactly of some theories: moments, Z, the density with noise added, and its denoiser."""

import numpy as np
import pytest
import torch
from statistical import mean, ratio

from sqcli.lattice.geometry import Lattice
from sqcli.parameters import build
from sqcli.registry import load, names
from sqcli.theories import KnownDenoiser
from sqcli.theories._zero import ZeroDimensional
from sqcli.theories.u1 import U1

KNOWN = {
    "double_well": ({"a": "-4", "b": "1"}, (1,)),
    "quartic": ({"mu2": "-1", "g": "0.4"}, (1,)),
    "gaussian_mixture": ({"mu0": "1", "sigma0": "0.25"}, (1,)),
    "cosine_well": ({"k": "5"}, (1,)),
    "free": ({"mass2": "0.3"}, (3, 4)),
}
LEVELS = (1e-4, 0.03, 0.5, 3.0, 200.0)


def test_all_that_are_known_are_here():
    assert set(KNOWN) == {name for name in names("theories") if issubclass(load("theories", name), KnownDenoiser)}


@pytest.fixture(params=KNOWN)
def known(request):
    values, extents = KNOWN[request.param]
    return build(load("theories", request.param), values, request.param), Lattice(extents)


@pytest.fixture(params=[name for name in KNOWN if name != "free"])
def well(request):
    return build(load("theories", request.param), KNOWN[request.param][0], request.param)


def tensor(values):
    return torch.as_tensor(values, dtype=torch.float64)


def brute_force(theory, y, s):
    """Log p_s(y) and E[x₀|y] on a fine grid."""
    x = np.linspace(-16, 16, 320001)
    log = -theory.potential(x) - ((x - y) / s) ** 2 / 2 - np.log(2 * np.pi * s**2) / 2
    weight = np.exp(log - log.max())
    z = np.exp(-theory.potential(x)).sum()
    return log.max() + np.log(weight.sum() / z), (weight @ x) / weight.sum()


def test_published_numbers():
    one = Lattice((1,))
    exact = build(load("theories", "double_well"), {"a": "-4", "b": "1"}, "").exact(one)
    assert exact["moments", "2"] == pytest.approx(1.835342, abs=5e-7)
    assert exact["moments", "4"] - exact["moments", "2"] ** 2 == pytest.approx(0.552204, abs=5e-7)
    exact = build(load("theories", "gaussian_mixture"), {"mu0": "1", "sigma0": "0.25"}, "").exact(one)
    assert [exact["cumulants", n] for n in "2468"] == pytest.approx([1.0625, -2, 16, -272], rel=1e-12)


def test_quadrature_of_functions_known_in_closed_form():
    """Gaussian: all of them; S = x⁴: moments Γ((n+1)/4)/Γ(¼)."""
    from scipy.special import gamma

    gauss = build(load("theories", "quartic"), {"mu2": "4", "g": "0"}, "")
    assert gauss.log_partition(Lattice((1,))) == pytest.approx(0.5 * np.log(2 * np.pi / 4), abs=1e-12)
    exact = gauss.exact(Lattice((1,)))
    assert [exact["moments", n] for n in "2468"] == pytest.approx([1 / 4, 3 / 16, 15 / 64, 105 / 256], rel=1e-12)
    assert exact["abs_magnetization", None] == pytest.approx(np.sqrt(2 / np.pi) / 2, rel=1e-12)
    fourth = build(load("theories", "double_well"), {"a": "0", "b": "1"}, "")
    moments = [gamma((n + 1) / 4) / gamma(1 / 4) for n in (2, 4, 6, 8)]
    assert [fourth.exact(Lattice((1,)))["moments", n] for n in "2468"] == pytest.approx(moments, rel=1e-12)
    assert fourth.log_partition(Lattice((1,))) == pytest.approx(np.log(gamma(1 / 4) / 2), abs=1e-12)


@pytest.mark.parametrize("s", [0.5, 3.0, 200.0])
def test_deep_wells(s):
    """a = −4000, b = 10: wells of width 0.008 at ±14.1; the mixture of two Gaussians in all but 1e−3."""
    deep = build(load("theories", "double_well"), {"a": "-4000", "b": "10"}, "")
    exact, one = deep.exact(Lattice((1,))), Lattice((1,))
    assert exact["moments", "2"] == pytest.approx(200, rel=1e-5)
    y = tensor([-20.0, -0.3, 0.0, 0.01, 14.0, 14.2, 40.0])[:, None]
    mixture = build(load("theories", "gaussian_mixture"), {"mu0": str(200**0.5), "sigma0": str(16000**-0.5)}, "")
    found, expected = (theory.denoise(y, tensor(s), one) for theory in (deep, mixture))
    np.testing.assert_allclose(found, expected, rtol=2e-3 if s > 1 else 0.02, atol=1e-9)


@pytest.mark.parametrize("s", LEVELS[1:])
def test_density_and_denoiser_are_the_integrals(well, s):
    y = np.array([-3.7, -1.0, 0.0, 0.2, 1.4, 6.0]) * np.sqrt(1 + s**2) / 2
    log, mean = np.array([brute_force(well, value, s) for value in y]).T
    field, one = tensor(y)[:, None], Lattice((1,))
    np.testing.assert_allclose(well.log_density(field, tensor(s), one), log, rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(well.denoise(field, tensor(s), one)[:, 0], mean, rtol=1e-9, atol=1e-11)


def test_closed_form_of_the_mixture_is_the_integral(well):
    y = torch.linspace(-5, 5, 11, dtype=torch.float64)[:, None]
    one = Lattice((1,))
    for s in map(tensor, LEVELS):
        general, special = (cls.denoise(well, y, s, one) for cls in (ZeroDimensional, type(well)))
        np.testing.assert_allclose(special, general, rtol=1e-10, atol=1e-12)
        general, special = (cls.log_density(well, y, s, one) for cls in (ZeroDimensional, type(well)))
        np.testing.assert_allclose(special, general, rtol=1e-10, atol=1e-10)
    assert type(well).log_partition(well, one) == pytest.approx(ZeroDimensional.log_partition(well, one), abs=1e-11)


@pytest.mark.parametrize("s", LEVELS)
def test_score_is_the_gradient_of_the_density(known, s, rng):
    """Tweedie: ∇ log p_s = (D − y)/s²."""
    theory, lattice = known
    y = tensor(rng.standard_normal((5, *lattice.extents))).mul(np.hypot(1.3, s)).requires_grad_()
    (gradient,) = torch.autograd.grad(theory.log_density(y, tensor(s), lattice).sum(), y)
    moved = theory.denoise(y, tensor(s), lattice) - y
    np.testing.assert_allclose(moved.detach(), s**2 * gradient, rtol=1e-8, atol=1e-11 * s)


def test_without_noise(known, rng):
    theory, lattice = known
    y = rng.standard_normal((4, *lattice.extents))
    none = tensor(0.0)
    expected = -theory.action(y, lattice) - theory.log_partition(lattice)
    np.testing.assert_allclose(theory.log_density(tensor(y), none, lattice), expected, rtol=1e-12)
    np.testing.assert_array_equal(theory.denoise(tensor(y), none, lattice), y)


def test_a_level_for_each_draw(known, rng):
    theory, lattice = known
    y, levels = tensor(rng.standard_normal((3, *lattice.extents))), tensor([0.0, 0.1, 20.0])
    for function in (theory.denoise, theory.log_density):
        together = function(y, levels, lattice)
        alone = [function(y[i : i + 1], levels[i], lattice)[0] for i in range(3)]
        np.testing.assert_allclose(together, torch.stack(alone), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own
def test_jacobian_of_the_denoiser_is_a_variance(well):
    """∂D/∂y = Var(x₀|y)/s², by autograd and as a vmapped derivative in forward mode."""
    one, s = Lattice((1,)), 0.4
    y = torch.tensor([[0.3], [1.1]], dtype=torch.float64)
    x = np.linspace(-16, 16, 320001)
    for row in y:
        log = -well.potential(x) - ((x - row.item()) / s) ** 2 / 2
        weight = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
        variance = weight @ x**2 - (weight @ x) ** 2
        jacobian = torch.autograd.functional.jacobian(lambda v: well.denoise(v[None], tensor(s), one)[0], row)
        assert jacobian.item() == pytest.approx(variance / s**2, rel=1e-9)
        _, forward = torch.func.jvp(
            lambda v: well.denoise(v, tensor(s), one), (row[None],), (torch.ones_like(row[None]),)
        )
        assert forward.item() == pytest.approx(variance / s**2, rel=1e-9)


@pytest.mark.parametrize("s", [0.1, 2.0])
def test_densities_are_normalised(well, s):
    y = torch.linspace(-40, 40, 8001, dtype=torch.float64)
    total = sum(well.log_density(part[:, None], tensor(s), Lattice((1,))).exp().sum().item() for part in y.split(4096))
    assert total * 0.01 == pytest.approx(1, abs=1e-10)


def test_independent_draws_have_the_exact_moments(known, judge):
    theory, lattice = known
    exact, count = theory.exact(lattice), 200_000 if lattice.volume == 1 else 10_000
    names = {2: ("field_squared", None), 4: ("moments", "4"), 6: ("moments", "6"), 8: ("moments", "8")}

    def sample(seed, size):
        normals = np.random.default_rng(seed).standard_normal((count * size, *lattice.extents))
        x = theory.independent(normals, lattice).reshape(count * size, -1)
        return {n: mean((x**n).mean(axis=1), exact[key]) for n, key in names.items() if key in exact}

    judge.check(sample)


@pytest.mark.parametrize(("beta", "extents"), [(1.0, (2, 2)), (2.0, (4, 4)), (0.5, (3, 4))])
def test_topological_charge_squared(judge, beta, extents):
    """V − 1 plaquettes drawn independently, the last one closes the torus and brings the weight."""
    theory, lattice = U1(beta), Lattice(extents)

    def sample(seed, size):
        free = np.random.default_rng(seed).vonmises(0, beta, (40_000 * size, lattice.volume - 1)).sum(axis=1)
        last = np.angle(np.exp(-1j * free))
        weight, charge = np.exp(beta * np.cos(last)), np.rint((free + last) / (2 * np.pi))
        return ratio(weight * charge**2, weight, theory.charge_squared(lattice))

    judge.check(sample)


def test_topological_charge_of_a_constant_field_strength():
    """θ₁ = 2πQx/V, with the torus closed by links at the last column: Q, whatever gauge and multiples of 2π."""
    extents, rng = (4, 6), np.random.default_rng(1)
    for charge in (-2, 0, 3):
        strength = 2 * np.pi * charge / 24
        links = np.zeros((1, 2, *extents))
        links[0, 1] = strength * np.arange(4)[:, None]
        links[0, 0, -1] = -strength * 4 * np.arange(6)
        gauge = rng.uniform(-9, 9, extents)
        links[0] += [np.roll(gauge, -1, axis) - gauge for axis in (0, 1)]
        links += 2 * np.pi * rng.integers(-3, 4, links.shape)
        assert abs(U1(1.0).charge(links, Lattice(extents))[0]) == abs(charge)
