"""Cluster flips on lattices with odd loops, where a flipped site can be met again: against sums over all signs.

With |φ| fixed (`radial_updates=0`) the signs are an Ising model of a few sites, whose expectation values are sums.
"""

from itertools import product

import numpy as np
import pytest
import statistical

from sqcli import parameters, registry
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System

LATTICES = [(3,), (2,), (1,), (3, 3), (1, 3), (2, 3), (1, 1), (5,), (1, 2, 3), (3, 1, 3)]


def system_of(kappa, extents, dtype="float64"):
    theory = parameters.build(registry.load("theories", "phi4"), {"kappa": kappa, "lambda": "0.1"}, "phi4")
    return System(theory, Lattice(extents), dtype)


def signs_exactly(system, size):
    """⟨V M²⟩ and ⟨φ(x)φ(x+μ̂)⟩ summed over all signs of a field with the moduli `size`."""
    fields = np.array(list(product((-1.0, 1.0), repeat=size.size))).reshape(-1, *size.shape) * size
    action = system.theory.action(fields, system.lattice)
    weight = np.exp(-(action - action.min()))
    return weight @ observables(fields, system.lattice) / weight.sum()


def observables(fields, lattice):
    axes = tuple(range(1, fields.ndim))
    near = sum((fields * lattice.shift(fields, axis)).mean(axes) for axis in range(lattice.dimension))
    return np.stack([fields.mean(axes) ** 2 * lattice.volume, near], axis=1)


@pytest.mark.parametrize("decomposition", ["single", "full"])
@pytest.mark.parametrize("kappa", ["-0.2", "-0.6", "0.3"])
@pytest.mark.parametrize("extents", LATTICES, ids=str)
def test_signs_are_those_of_the_embedded_ising_model(extents, kappa, decomposition, rng, judge):
    system = system_of(kappa, extents)
    wolff = registry.load("mcmc", "wolff")(decomposition=decomposition, radial_updates=0, clusters=3)
    size = rng.uniform(0.5, 1.2, extents)

    def chain(stream, updates):
        trace = wolff.step(system, wolff.init(system, size, 0), stream, updates, 3, False)[1]
        np.testing.assert_allclose(np.abs(trace.fields), np.broadcast_to(size, trace.fields.shape))
        assert (trace.stats["cluster_size"] <= size.size + 1e-9).all()
        return [*observables(trace.fields, system.lattice).mean(0), trace.stats["chi2_improved"].mean()]

    square, near = signs_exactly(system, size)

    def sample(seed, longer):
        rows = [chain(Stream(seed, c), 1500 * longer) for c in range(24)]
        return statistical.mean(rows, np.array([square, near, square]), tolerance=1e-12)

    judge.check(sample)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("extents", [(3, 3), (1,), (5, 3), (3, 3, 3), (1, 7)], ids=str)
def test_antiferromagnetic_runs_stay_within_their_arrays(extents, dtype, seed):
    """They crashed, or wrote beyond the list of waiting sites, before flipped sites were recognised."""
    system = system_of("-0.2", extents, dtype)
    wolff = registry.load("mcmc", "wolff")(step_size=0.1, clusters=20)
    state = wolff.init(system, system.theory.manifold.hot(system.lattice, Stream(seed, 0)).astype(dtype), 0)
    after, trace = wolff.step(system, state, Stream(seed, 0), 2000, 10, False)
    assert np.isfinite(after.field).all()
    assert (trace.stats["cluster_size"] <= system.lattice.volume + 1e-9).all()
