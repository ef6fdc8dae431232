"""Kernels of matrices on lattices whose rows fill vectors, or do not: every site once, nothing else touched."""

import itertools

import numpy as np
import pytest

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.halo import pack, unpack
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.theories.sun import SUN
from sqcli.theories.un import UN

GROUPS = [SUN(2, 2.3), SUN(3, 5.5), UN(2, 3.0), UN(3, 4.0), SUN(1, 1.0), UN(1, 1.5), SUN(4, 8.0)]
LATTICES = [(2, 2), (2, 9), (3, 3), (5, 8), (9, 4), (2, 17), (8, 7), (2, 2, 2), (3, 2, 5), (2, 3, 9), (2, 2, 2, 2)]
LATTICES += [(2, 3, 2, 3), (2, 2, 4, 4), (3, 2, 2, 8)]
CASES = list(itertools.product(GROUPS, LATTICES))
BEYOND = 16  # numbers behind the arrays


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0].manifold.name}-{Lattice(case[1])}")
def case(request, rng):
    """System, a configuration (*site), and a momentum (*tangent)."""
    theory, extents = request.param
    system, manifold = System(theory, Lattice(extents)), theory.manifold
    directions = rng.standard_normal((2, *manifold.tangent(system.lattice)))
    return system, manifold.move(manifold.cold(system.lattice)[None], directions[:1])[0], directions[1]


def padded(numbers, lattice, components):
    """Numbers in the layout of the kernels, NaN behind."""
    f = np.full(components * lattice.padded_volume + BEYOND, np.nan)
    f[:-BEYOND] = 0.0
    pack(np.ascontiguousarray(numbers).reshape(-1), f, lattice.geometry(components))
    return f


def taken(f, shape, lattice):
    """Numbers of the sites."""
    out = np.empty(shape)
    unpack(f, out.reshape(-1), lattice.geometry(out.size // lattice.volume))
    return out


def test_the_last_kick_is_the_drift(case):
    system, u, v = case
    theory, lattice, energies = system.theory, system.lattice, np.empty(2)
    f, p = padded(system.sites(u), lattice, system.components), padded(v, lattice, system.momenta)
    theory.finish("float64")(f[:-BEYOND], p[:-BEYOND], system.geometry, system.couplings, 0.3, energies)
    kicked = v + 0.3 * theory.drift(u[None], lattice)[0]
    np.testing.assert_allclose(taken(p, v.shape, lattice), kicked, rtol=1e-12, atol=1e-12)
    assert energies == pytest.approx([theory.action(u[None], lattice)[0], (kicked**2).sum() / 2], rel=1e-12, abs=1e-12)
    assert np.isnan(p[-BEYOND:]).all()
    assert np.isfinite(p[:-BEYOND]).all()


@pytest.mark.parametrize("step", [0.1, 30.0])
def test_flow_is_kicks_and_moves_however_far(case, step):
    system, u, v = case
    theory, lattice, manifold = system.theory, system.lattice, system.theory.manifold
    start, p = padded(system.sites(u), lattice, system.components), padded(v, lattice, system.momenta)
    before, buffers = start.copy(), [padded(np.zeros(system.size), lattice, system.components) for _ in range(2)]
    kicks, drifts = np.array([0.1, 0.0, 0.2]), step * np.array([0.3, 0.2, 0.5])
    inner = [f[:-BEYOND] for f in (start, *buffers, p)]
    end = theory.flow("float64")(*inner, system.geometry, system.couplings, kicks, drifts, 1.0)
    for kick, drift in zip(kicks, drifts, strict=True):
        v = v + kick * theory.drift(u[None], lattice)[0]
        u = manifold.move(u[None], drift * v[None])[0]
    np.testing.assert_array_equal(start, before)
    moved = taken(buffers[end - 1], system.size, lattice)
    assert manifold.distance(system.field(moved), u) < 1e-13 * (1 + 10 * step)
    np.testing.assert_allclose(taken(p, v.shape, lattice), v, atol=1e-12 * (1 + step))
    assert all(np.isnan(f[-BEYOND:]).all() for f in (*buffers, p))
    boxes = lattice.padded_volume, np.prod([n + 2 for n in lattice.extents])
    ghosts = padded(moved, lattice, system.components)
    for f in (ghosts, buffers[end - 1]):
        f[:-BEYOND].reshape(-1, boxes[0])[:, boxes[1] :] = 0  # the room behind the boxes
    np.testing.assert_array_equal(ghosts, buffers[end - 1])


@pytest.mark.parametrize("theory", GROUPS, ids=lambda theory: theory.manifold.name)
def test_a_momentum_that_ran_away_leaves_no_trace(theory):
    """Numbers that are not finite, of a trajectory that diverged, do not reach the next one."""
    system = System(theory, Lattice((3, 5)))
    u = theory.manifold.hot(system.lattice, Stream(3, 0))
    kicks, drifts = np.array([0.1, 0.1]), np.array([0.2, 0.2])
    results = []
    for first in (1.0, np.inf):
        start, a, b, p = system.buffers(4)
        pack(system.sites(u), start, system.geometry)
        for scale in (first, 1.0):
            pack(
                np.full(system.momenta * system.lattice.volume, 0.3 * scale), p, system.lattice.geometry(system.momenta)
            )
            end = theory.flow("float64")(start, a, b, p, system.geometry, system.couplings, kicks, drifts, 1.0)
        results.append(taken((a, b)[end - 1], system.size, system.lattice))
    np.testing.assert_array_equal(*results)
