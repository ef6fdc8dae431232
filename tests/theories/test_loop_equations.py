"""Schwinger–Dyson residuals of gauge theories: derivatives by finite differences along moves, and means of zero."""

from functools import partial

import numpy as np
import pytest
from statistical import mean

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.hmc import HMC
from sqcli.theories._loop_equations import rectangles
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1
from sqcli.theories.un import UN

SMALL = [(U1(1.3), (2, 3, 2)), (U1(0.8), (3, 4)), (SUN(2, 2.0), (3, 3)), (SUN(3, 4.0), (3, 2)), (UN(2, 1.7), (3, 2, 2))]


def loop(theory, field, site, mu, nu, size, extents):
    """Re tr of the rectangle, link by link."""

    def link(axis, where):
        value = field[(axis, *np.mod(where, extents))]
        return np.exp(1j * np.full((1, 1), value)) if isinstance(theory, U1) else value

    where, steps = np.array(site), np.eye(len(extents), dtype=int)
    product = np.eye(theory.n if not isinstance(theory, U1) else 1, dtype=complex)
    for axis, length, ahead in ((mu, size[0], 1), (nu, size[1], 1), (mu, size[0], -1), (nu, size[1], -1)):
        for _ in range(length):
            where = where if ahead == 1 else where - steps[axis]
            matrix = link(axis, where)
            product = product @ (matrix if ahead == 1 else matrix.conj().T)
            where = where + steps[axis] if ahead == 1 else where
    assert (where == site).all()
    return product.trace().real


def derivatives(function, theory, field, direction, h=2e-4):
    """First and second derivative of a function of the field along a tangent vector."""
    low, here, high = (function(theory.manifold.move(field[None], h * s * direction[None])[0]) for s in (-1, 0, 1))
    return (high - low) / (2 * h), (low - 2 * here + high) / h**2


@pytest.mark.parametrize(("theory", "extents"), SMALL, ids=str)
def test_residuals_are_derivatives(theory, extents, rng):
    lattice, manifold = Lattice(extents), theory.manifold
    field = manifold.move(manifold.cold(lattice)[None], 0.7 * rng.standard_normal((1, *manifold.tangent(lattice))))[0]
    found = theory.identities(field[None], lattice)
    names = list(rectangles(lattice))
    assert found.keys() == {"dS_dS", *(name for name, *_ in names)}

    def directions(mu, site):
        """Unit tangent vectors of one link."""
        kinds = [()] if isinstance(theory, U1) else [(a,) for a in range(len(manifold.generators))]
        for kind in kinds:
            unit = np.zeros(manifold.tangent(lattice))
            unit[(mu, *kind, *site)] = 1
            yield unit

    def action(u):
        return float(theory.action(u[None], lattice)[0])

    squares = []
    for mu in range(lattice.dimension):
        for site in np.ndindex(*extents):
            changes = [derivatives(action, theory, field, unit) for unit in directions(mu, site)]
            squares.append(sum(slope**2 - bend for slope, bend in changes))
    assert found["dS_dS"][0] == pytest.approx(np.mean(squares), abs=1e-5)
    for name, mu, nu, size in names:
        residuals = []
        for site in np.ndindex(*extents):
            for axis in (mu, nu):
                rectangle = partial(loop, theory, site=site, mu=mu, nu=nu, size=size, extents=extents)
                total = 0.0
                for unit in directions(axis, site):
                    first, second = derivatives(rectangle, theory, field, unit)
                    total += derivatives(action, theory, field, unit)[0] * first - second
                residuals.append(total)
        assert found[name][0] == pytest.approx(np.mean(residuals), abs=1e-5), name


@pytest.mark.parametrize(
    ("theory", "extents"),
    [(U1(1.2), (4, 3)), (U1(1.0), (3, 2, 4)), (SUN(2, 2.2), (3, 4)), (SUN(3, 5.0), (3, 2, 3)), (UN(2, 3.0), (3, 3))],
    ids=str,
)
def test_residuals_vanish_in_the_mean(theory, extents, judge):
    system = System(theory, Lattice(extents))
    hmc = HMC(step_size=0.2, n_steps=4, integrator="omelyan")

    def sample(seed, size):
        found = []
        for chain in range(8 * size):
            stream = Stream(seed, chain)
            state = hmc.init(system, theory.manifold.hot(system.lattice, stream), 0)
            state, _ = hmc.step(system, state, stream, 100, 100, False)
            fields = hmc.step(system, state, stream, 200, 2, False)[1].fields
            found.append({name: r.mean() for name, r in theory.identities(fields, system.lattice).items()})
        return {name: mean([chain[name] for chain in found], 0.0) for name in found[0]}

    judge.check(sample)
