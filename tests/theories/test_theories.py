"""What every theory must satisfy: kernels equal formulas, force equals the derivative, symmetries, Schwinger–Dyson."""

import numpy as np
import pytest

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.halo import pack, unpack
from sqcli.mcmc import System
from sqcli.theories import ClusterFlips, LocalUpdates

EXAMPLES = {
    "phi4": ({"kappa": "0.21", "lambda": "0.022"}, [(5,), (4, 6), (1, 3), (3, 4, 5), (2, 3, 2, 4), (2, 2, 3, 1, 2)]),
    "free": ({"mass2": "0.3"}, [(5,), (4, 6), (3, 4, 5), (2, 3, 2, 4)]),
    "u1": ({"beta": "1.7"}, [(4, 6), (2, 2), (5, 3), (3, 4, 5), (2, 3, 2), (3, 2, 4, 5), (2, 2, 2, 2)]),
    "sun": ({"n": "3", "beta": "5.5"}, [(2, 3), (3, 2, 4), (2, 3, 2, 4)]),
    "un": ({"n": "2", "beta": "2.5"}, [(2, 3), (4, 6), (3, 2, 4), (2, 3, 2, 2)]),
    "double_well": ({"a": "-4", "b": "1"}, [(1,)]),
    "quartic": ({"mu2": "-1", "g": "0.4"}, [(1,)]),
    "gaussian_mixture": ({"mu0": "1", "sigma0": "0.5"}, [(1,)]),
    "cosine_well": ({"k": "5"}, [(1,)]),
}
COMPLEX = {
    "complex_gaussian",
    "complex_quartic",
    "complex_double_well",
    "complex_cosine",
    "bose_gas",
}  # files of their own
CASES = [(name, extents) for name, (_, lattices) in EXAMPLES.items() for extents in lattices]


def test_every_theory_has_an_example():
    assert set(EXAMPLES) | COMPLEX == set(registry.names("theories"))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{'x'.join(map(str, case[1]))}")
def case(request, rng):
    name, extents = request.param
    theory = parameters.build(registry.load("theories", name), EXAMPLES[name][0], name)
    lattice = Lattice(extents)
    start = np.stack([theory.manifold.cold(lattice)] * 3)
    return theory, lattice, theory.manifold.move(start, tangents(theory, lattice, rng, 3))


def tangents(theory, lattice, rng, count):
    """Random tangent vectors: momenta, or directions."""
    return rng.standard_normal((count, *theory.manifold.tangent(lattice)))


def geometry_of(theory, lattice):
    return System(theory, lattice).geometry


def padded(planes, lattice, dtype="float64"):
    """Planes (components, *extents) in the layout of the kernels."""
    flat = np.ascontiguousarray(planes, dtype).reshape(-1)
    f = np.zeros(flat.size // lattice.volume * lattice.padded_volume, dtype)
    pack(flat, f, lattice.geometry(flat.size // lattice.volume))
    return f


def padded_field(theory, lattice, configuration, dtype="float64"):
    return padded(theory.manifold.planes(configuration[None], lattice), lattice, dtype)


def sites(f, like, lattice):
    """Numbers of a padded momentum, of the shape of `like`."""
    out = np.empty(like.size, f.dtype)
    unpack(f, out, lattice.geometry(like.size // lattice.volume))
    return out.reshape(like.shape)


def field_of(theory, lattice, f):
    """The configuration in the layout of the kernels, (*site)."""
    components = theory.manifold.components(lattice)
    planes = sites(f, np.empty((1, components, *lattice.extents)), lattice)
    return theory.manifold.from_planes(planes, lattice)[0]


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 1e-5)])
def test_finish_kicks_and_gives_the_energies(case, dtype, rtol, rng):
    theory, lattice, field = case
    geometry, energies = geometry_of(theory, lattice), np.empty(2)
    momentum = tangents(theory, lattice, rng, 3)
    kicked = momentum + 0.3 * theory.drift(field, lattice)
    for row, action in enumerate(theory.action(field, lattice)):
        f, p = padded_field(theory, lattice, field[row], dtype), padded(momentum[row], lattice, dtype)
        theory.finish(dtype)(f, p, geometry, theory.couplings(lattice), 0.3, energies)
        np.testing.assert_allclose(sites(p, momentum[row], lattice), kicked[row], rtol=100 * rtol, atol=100 * rtol)
        assert energies[0] == pytest.approx(action, rel=rtol)
        assert energies[1] == pytest.approx((kicked[row] ** 2).sum() / 2, rel=rtol)


def test_drift_is_minus_the_derivative_of_the_action_along_moves(case, rng):
    theory, lattice, field = case
    move, direction = theory.manifold.move, tangents(theory, lattice, rng, 3)
    h = 1e-5
    up, down = (theory.action(move(field, step * direction), lattice) for step in (h, -h))
    slope = -(theory.drift(field, lattice) * direction).reshape(len(field), -1).sum(axis=1)
    np.testing.assert_allclose((up - down) / (2 * h), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sweeps", [1, 2, 3])
def test_flow_kicks_and_moves(case, sweeps, rng):
    theory, lattice, field = case
    manifold, couplings = theory.manifold, theory.couplings(lattice)
    momentum = tangents(theory, lattice, rng, 1)
    kicks, drifts = rng.uniform(0.01, 0.1, sweeps), rng.uniform(0.01, 0.1, sweeps)
    start, p = padded_field(theory, lattice, field[0]), padded(momentum, lattice)
    a, b, before = np.zeros_like(start), np.zeros_like(start), start.copy()
    end = theory.flow("float64")(start, a, b, p, geometry_of(theory, lattice), couplings, kicks, drifts, 1.0)
    phi, pi = field[:1].copy(), momentum.copy()
    for kick, drift in zip(kicks, drifts, strict=True):
        pi = pi + kick * theory.drift(phi, lattice)
        phi = manifold.move(phi, drift * pi)
    moved = field_of(theory, lattice, (a, b)[end - 1])
    assert manifold.distance(moved, phi[0]) < 1e-12
    assert manifold.distance(manifold.project(moved[None])[0], moved) < 1e-12
    assert np.abs(moved - manifold.project(moved[None])[0]).max() < 1e-12
    np.testing.assert_allclose(sites(p, momentum, lattice), pi, atol=1e-12)
    np.testing.assert_array_equal(start, before)


def test_flow_is_reversible(case, rng):
    theory, lattice, field = case
    geometry, couplings = geometry_of(theory, lattice), theory.couplings(lattice)
    kicks, drifts = np.array([0.05] + [0.1] * 9 + [0.05]), np.array([0.1] * 10 + [0.0])
    momentum = tangents(theory, lattice, rng, 1)
    start, p = padded_field(theory, lattice, field[0]), padded(momentum, lattice)
    buffers = [np.zeros_like(start) for _ in range(4)]
    end = theory.flow("float64")(start, *buffers[:2], p, geometry, couplings, kicks, drifts, 1.0)
    p *= -1
    back = theory.flow("float64")(buffers[end - 1], *buffers[2:], p, geometry, couplings, kicks, drifts, 1.0)
    moved = field_of(theory, lattice, buffers[1 + back])
    assert theory.manifold.distance(moved, field[0]) < 1e-11
    np.testing.assert_allclose(-sites(p, momentum, lattice), momentum, atol=1e-11)


def test_local_change_is_a_difference_of_actions(case, rng):
    theory, lattice, field = case
    if not isinstance(theory, LocalUpdates):
        pytest.skip("no local updates")
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
    for name in lattice.axes:
        shifted = np.roll(field, 1, 1 + theory.manifold.axes(lattice).index(name))
        np.testing.assert_allclose(theory.action(shifted, lattice), action, rtol=1e-12)
    if theory.manifold.flat:
        for axis in range(lattice.dimension):
            np.testing.assert_allclose(theory.action(np.flip(field, axis + 1), lattice), action, rtol=1e-12)
        turned = Lattice(lattice.extents[::-1])
        np.testing.assert_allclose(theory.action(field.transpose(0, *range(field.ndim - 1, 0, -1)), turned), action)
    conjugate = field.conj() if np.iscomplexobj(field) else -field
    np.testing.assert_allclose(theory.action(conjugate, lattice), action, rtol=1e-12)


def test_array_functions_take_tensors(case):
    import torch

    theory, lattice, field = case
    tensor = torch.from_numpy(field).requires_grad_()
    action = theory.action(tensor, lattice)
    np.testing.assert_allclose(action.detach().numpy(), theory.action(field, lattice))
    if not np.iscomplexobj(field):
        (gradient,) = torch.autograd.grad(action.sum(), tensor)
        np.testing.assert_allclose(-gradient.numpy(), theory.drift(field, lattice), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(theory.drift(tensor.detach(), lattice).numpy(), theory.drift(field, lattice))


@pytest.mark.parametrize(
    ("name", "values", "extents"),
    [
        ("phi4", {"kappa": "0.3", "lambda": "-1"}, (4, 4)),
        ("phi4", {"kappa": "0.3", "lambda": "0"}, (4, 4)),
        ("free", {"mass2": "0"}, (4, 4)),
        ("u1", {"beta": "1"}, (4,)),
        ("u1", {"beta": "1"}, (4, 1)),
        ("sun", {"n": "0", "beta": "1"}, (4, 4)),
        ("sun", {"n": "17", "beta": "1"}, (4, 4)),
        ("un", {"n": "2", "beta": "1"}, (4, 1)),
        ("un", {"n": "2", "beta": "1"}, (4,)),
        ("u1", {"beta": "1"}, (4, 4, 1)),
        ("u1", {"beta": "1"}, (2, 2, 2, 2, 2)),
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
