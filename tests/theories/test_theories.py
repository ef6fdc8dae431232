"""What every theory must satisfy: kernels equal formulas, force equals the derivative, symmetries, Schwinger–Dyson."""

import numpy as np
import pytest

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.halo import pack, unpack
from sqcli.theories import ClusterFlips, LocalUpdates

EXAMPLES = {
    "phi4": ({"kappa": "0.21", "lambda": "0.022"}, [(5,), (4, 6), (1, 3), (3, 4, 5), (2, 3, 2, 4), (2, 2, 3, 1, 2)]),
    "free": ({"mass2": "0.3"}, [(5,), (4, 6), (3, 4, 5), (2, 3, 2, 4)]),
    "u1": ({"beta": "1.7"}, [(4, 6), (2, 2), (5, 3)]),
    "double_well": ({"a": "-4", "b": "1"}, [(1,)]),
    "quartic": ({"mu2": "-1", "g": "0.4"}, [(1,)]),
    "gaussian_mixture": ({"mu0": "1", "sigma0": "0.5"}, [(1,)]),
    "cosine_well": ({"k": "5"}, [(1,)]),
}
CASES = [(name, extents) for name, (_, lattices) in EXAMPLES.items() for extents in lattices]


def test_every_theory_has_an_example():
    assert set(EXAMPLES) == set(registry.names("theories"))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{'x'.join(map(str, case[1]))}")
def case(request, rng):
    name, extents = request.param
    theory = parameters.build(registry.load("theories", name), EXAMPLES[name][0], name)
    lattice = Lattice(extents)
    field = rng.standard_normal((3, *theory.manifold.site(lattice)))
    return theory, lattice, field


def padded(theory, lattice, configuration, dtype="float64"):
    components = theory.manifold.components(lattice)
    f = np.zeros(components * lattice.padded_volume, dtype)
    pack(np.ascontiguousarray(configuration, dtype).reshape(-1), f, lattice.geometry(components))
    return f


def sites(f, like, geometry):
    out = np.empty(like.size, f.dtype)
    unpack(f, out, geometry)
    return out.reshape(like.shape)


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 1e-5)])
def test_finish_kicks_and_gives_the_energies(case, dtype, rtol, rng):
    theory, lattice, field = case
    geometry, energies = lattice.geometry(theory.manifold.components(lattice)), np.empty(2)
    momentum = rng.standard_normal(field.shape)
    kicked = momentum + 0.3 * theory.drift(field, lattice)
    for row, action in enumerate(theory.action(field, lattice)):
        f, p = padded(theory, lattice, field[row], dtype), padded(theory, lattice, momentum[row], dtype)
        theory.finish(dtype)(f, p, geometry, theory.couplings(lattice), 0.3, energies)
        np.testing.assert_allclose(sites(p, momentum[row], geometry), kicked[row], rtol=100 * rtol, atol=100 * rtol)
        assert energies[0] == pytest.approx(action, rel=rtol)
        assert energies[1] == pytest.approx((kicked[row] ** 2).sum() / 2, rel=rtol)


def test_drift_is_minus_the_derivative_of_the_action(case, rng):
    theory, lattice, field = case
    direction = rng.standard_normal(field.shape)
    h = 1e-5
    up, down = theory.action(field + h * direction, lattice), theory.action(field - h * direction, lattice)
    slope = -(theory.drift(field, lattice) * direction).reshape(len(field), -1).sum(axis=1)
    np.testing.assert_allclose((up - down) / (2 * h), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sweeps", [1, 2, 3])
def test_flow_kicks_and_drifts(case, sweeps, rng):
    theory, lattice, field = case
    geometry, couplings = lattice.geometry(theory.manifold.components(lattice)), theory.couplings(lattice)
    momentum = rng.standard_normal(field[0].shape)
    kicks, drifts = rng.uniform(0.01, 0.1, sweeps), rng.uniform(0.01, 0.1, sweeps)
    start, p = padded(theory, lattice, field[0]), padded(theory, lattice, momentum)
    a, b, before = np.zeros_like(start), np.zeros_like(start), start.copy()
    end = theory.flow("float64")(start, a, b, p, geometry, couplings, kicks, drifts, 1.0)
    phi, pi = field[:1].copy(), momentum[None].copy()
    for kick, drift in zip(kicks, drifts, strict=True):
        pi = pi + kick * theory.drift(phi, lattice)
        phi = phi + drift * pi
    moved = sites((a, b)[end - 1], field[0], geometry)
    if theory.manifold.period:
        np.testing.assert_allclose(np.exp(1j * moved), np.exp(1j * phi[0]), atol=1e-12)
        assert np.abs(moved).max() <= np.pi
    else:
        np.testing.assert_allclose(moved, phi[0], atol=1e-12)
    np.testing.assert_allclose(sites(p, momentum, geometry), pi[0], atol=1e-12)
    np.testing.assert_array_equal(start, before)


def test_flow_is_reversible(case, rng):
    theory, lattice, field = case
    geometry, couplings = lattice.geometry(theory.manifold.components(lattice)), theory.couplings(lattice)
    kicks, drifts = np.array([0.05] + [0.1] * 9 + [0.05]), np.array([0.1] * 10 + [0.0])
    start, p = padded(theory, lattice, field[0]), padded(theory, lattice, rng.standard_normal(field[0].shape))
    momentum = sites(p, field[0], geometry)
    buffers = [np.zeros_like(start) for _ in range(4)]
    end = theory.flow("float64")(start, *buffers[:2], p, geometry, couplings, kicks, drifts, 1.0)
    p *= -1
    back = theory.flow("float64")(buffers[end - 1], *buffers[2:], p, geometry, couplings, kicks, drifts, 1.0)
    moved = sites(buffers[1 + back], field[0], geometry)
    distance = np.exp(1j * moved) - np.exp(1j * field[0]) if theory.manifold.period else moved - field[0]
    assert np.abs(distance).max() < 1e-11
    np.testing.assert_allclose(-sites(p, field[0], geometry), momentum, atol=1e-11)


def test_local_change_is_a_difference_of_actions(case, rng):
    theory, lattice, field = case
    assert isinstance(theory, LocalUpdates)
    flat, couplings = field[0].reshape(-1), theory.couplings(lattice)
    for i in rng.integers(flat.size, size=8):
        proposal = float(rng.standard_normal())
        changed = flat.copy()
        changed[i] = proposal
        after, before = (theory.action(f.reshape(field[:1].shape), lattice)[0] for f in (changed, flat))
        change = theory.local_change("float64")(flat, i, proposal, lattice.neighbours(), couplings)
        assert change == pytest.approx(after - before, abs=1e-10)


def test_bond_coupling_is_that_of_the_embedded_ising_model(case, rng):
    theory, lattice, field = case
    if not isinstance(theory, ClusterFlips):
        pytest.skip("no cluster flips")
    signs = rng.choice([-1.0, 1.0], size=field.shape)
    j = theory.bond_coupling(lattice)

    def bonds(f):
        return sum(lattice.site_sum(f * lattice.shift(f, axis)) for axis in range(lattice.dimension))

    difference = theory.action(signs * field, lattice) - theory.action(field, lattice)
    np.testing.assert_allclose(difference, -j * (bonds(signs * field) - bonds(field)), atol=1e-9)


def test_action_is_invariant_under_the_lattice_symmetries(case):
    theory, lattice, field = case
    action = theory.action(field, lattice)
    for axis in range(lattice.dimension):
        np.testing.assert_allclose(theory.action(lattice.shift(field, axis), lattice), action, rtol=1e-12)
    if not theory.manifold.period:
        for axis in range(lattice.dimension):
            np.testing.assert_allclose(theory.action(np.flip(field, axis + 1), lattice), action, rtol=1e-12)
        turned = Lattice(lattice.extents[::-1])
        np.testing.assert_allclose(theory.action(field.transpose(0, *range(field.ndim - 1, 0, -1)), turned), action)
    np.testing.assert_allclose(theory.action(-field, lattice), action, rtol=1e-12)


def test_array_functions_take_tensors(case):
    import torch

    theory, lattice, field = case
    tensor = torch.from_numpy(field).requires_grad_()
    action = theory.action(tensor, lattice)
    np.testing.assert_allclose(action.detach().numpy(), theory.action(field, lattice))
    (gradient,) = torch.autograd.grad(action.sum(), tensor)
    np.testing.assert_allclose(-gradient.numpy(), theory.drift(field, lattice), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(theory.drift(tensor.detach(), lattice).numpy(), theory.drift(field, lattice))


def test_u1_is_gauge_invariant(rng):
    theory, lattice = parameters.build(registry.load("theories", "u1"), {"beta": "2"}, "u1"), Lattice((4, 5))
    field, gauge = rng.uniform(-np.pi, np.pi, (2, 2, 4, 5)), rng.uniform(-np.pi, np.pi, (2, 4, 5))
    turned = np.stack([field[:, mu] + gauge - lattice.shift(gauge, mu) for mu in range(2)], axis=1)
    np.testing.assert_allclose(theory.action(turned, lattice), theory.action(field, lattice))
    np.testing.assert_allclose(theory.drift(turned, lattice), theory.drift(field, lattice), atol=1e-12)


def test_u1_plaquette_of_large_volumes_is_a_ratio_of_bessel_functions():
    from scipy.special import iv

    theory = parameters.build(registry.load("theories", "u1"), {"beta": "3"}, "u1")
    exact = theory.exact(Lattice((40, 40)))[("plaquette", None)]
    assert exact == pytest.approx(iv(1, 3.0) / iv(0, 3.0), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "values", "extents"),
    [
        ("phi4", {"kappa": "0.3", "lambda": "-1"}, (4, 4)),
        ("phi4", {"kappa": "0.3", "lambda": "0"}, (4, 4)),
        ("free", {"mass2": "0"}, (4, 4)),
        ("u1", {"beta": "1"}, (4,)),
        ("u1", {"beta": "1"}, (4, 1)),
        ("double_well", {"a": "-4", "b": "1"}, (2,)),
        ("cosine_well", {"k": "5"}, (1, 1)),
        ("double_well", {"a": "1", "b": "-1"}, (1,)),
        ("quartic", {"mu2": "0", "g": "0"}, (1,)),
        ("gaussian_mixture", {"mu0": "1", "sigma0": "0"}, (1,)),
        ("phi4", {"kapa": "1", "lambda": "1"}, (4, 4)),
        ("phi4", {"kappa": "1"}, (4, 4)),
        ("phi4", {"kappa": "nan", "lambda": "1"}, (4, 4)),
    ],
)
def test_theories_that_do_not_exist(name, values, extents):
    with pytest.raises(UsageError):
        parameters.build(registry.load("theories", name), values, name).check(Lattice(extents))
