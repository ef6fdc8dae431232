"""Every algorithm against exact results: the free field in 1–3 dimensions, U(1) on the torus, one variable.

Chains are independent, so the error of a mean is that of the chains' means; 24 chains make |z| < 4 a band that a right
algorithm leaves less than once in a thousand times (the seed is fixed).
"""

import numpy as np
import pytest

from sqcli import parameters, registry
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc._base import System

CHAINS = 24
EXACT = [
    ("hmc", {}),
    ("hmc", {"integrator": "omelyan", "n_steps": "4", "jitter": "0.3"}),
    ("hmc", {"step_size": "0.2", "n_steps": "5"}),
    ("fahmc", {}),
    ("fahmc", {"m_eff2": "0.7", "integrator": "omelyan", "n_steps": "4"}),
    ("metropolis", {}),
    ("metropolis", {"order": "random", "width": "1.5"}),
    ("langevin", {"adjusted": "true", "step_size": "auto"}),
    ("wolff", {"clusters": "2"}),
    ("wolff", {"radial": "metropolis", "radial_updates": "2"}),
    ("wolff", {"decomposition": "full", "radial_updates": "2"}),
]


def build(name, values):
    return parameters.build(registry.load("mcmc", name), values, name)


def run(algorithm, system, seed, chain, draws=400, every=3, warmup=400):
    stream = Stream(seed, chain)
    manifold = system.theory.manifold
    start = manifold.hot(system.lattice, stream) if chain % 2 else manifold.cold(system.lattice)
    algorithm.check(system, warmup)
    state = algorithm.init(system, start.astype(system.dtype), warmup)
    state, _ = algorithm.step(system, state, stream, 3 * warmup // 4, warmup, True)
    state, _ = algorithm.step(system, state, stream, warmup // 4, warmup, False)
    return algorithm.step(system, state, stream, draws * every, every, False)[1]


def z(values, expected):
    values = np.asarray(values)
    return (values.mean() - expected) / (values.std(ddof=1) / np.sqrt(len(values)))


def scalar_system(extents, dtype="float64", mass2="0.5"):
    theory = parameters.build(registry.load("theories", "free"), {"mass2": mass2}, "free")
    return System(theory, Lattice(extents), dtype)


def free_field_means(trace, system):
    """⟨M²⟩, ⟨φ²⟩ and the longest wave of one chain."""
    fields = trace.fields.astype(np.float64)
    axes = tuple(range(1, fields.ndim))
    wave = np.abs(np.fft.fftn(fields, axes=axes)) ** 2 / system.lattice.volume
    return np.mean(fields**2), np.mean(wave[(slice(None), *[0] * len(axes))]), np.mean(wave[(..., 1)][..., 0])


@pytest.mark.parametrize("extents", [(6,), (4, 6), (3, 4, 4)], ids=str)
@pytest.mark.parametrize(("name", "values"), [*EXACT, ("exact", {})], ids=str)
def test_free_field(name, values, extents, seed):
    system, algorithm = scalar_system(extents), build(name, values)
    propagator = system.theory.propagator(system.lattice)
    chains = [run(algorithm, system, seed, chain) for chain in range(CHAINS)]
    means = np.array([free_field_means(trace, system)[:2] for trace in chains])
    assert abs(z(means[:, 0], propagator.mean())) < 4
    assert abs(z(means[:, 1], propagator.flat[0])) < 4
    if "delta_h" in chains[0].stats:
        assert abs(z([np.exp(-trace.stats["delta_h"]).mean() for trace in chains], 1)) < 4
    if "action" in chains[0].stats:
        action = system.theory.action(chains[0].fields, system.lattice)
        np.testing.assert_allclose(chains[0].stats["action"], action, rtol=1e-12)
    if "chi2_improved" in chains[0].stats:
        improved = [trace.stats["chi2_improved"].mean() for trace in chains]
        assert abs(z(improved, propagator.flat[0])) < 4


@pytest.mark.parametrize(("name", "values"), EXACT, ids=str)
def test_interacting_theory_satisfies_schwinger_dyson(name, values, seed):
    theory = parameters.build(registry.load("theories", "phi4"), {"kappa": "0.3", "lambda": "0.5"}, "phi4")
    system, algorithm = System(theory, Lattice((4, 5))), build(name, values)
    residuals = [theory.identities(run(algorithm, system, seed, c).fields, system.lattice) for c in range(CHAINS)]
    for identity in residuals[0]:
        assert abs(z([r[identity].mean() for r in residuals], 0)) < 4, identity


@pytest.mark.parametrize(("name", "values"), EXACT[:8], ids=str)
def test_u1_plaquette(name, values, seed):
    theory = parameters.build(registry.load("theories", "u1"), {"beta": "2"}, "u1")
    system, algorithm = System(theory, Lattice((4, 5))), build(name, values)
    fields = [run(algorithm, system, seed, chain).fields for chain in range(CHAINS)]
    plaquettes = [np.cos(theory.plaquettes(f, system.lattice)).mean() for f in fields]
    assert abs(z(plaquettes, theory.exact(system.lattice)[("plaquette", None)])) < 4
    assert max(np.abs(f).max() for f in fields) <= np.pi


ONE_VARIABLE = [
    ("double_well", {"a": "-2", "b": "0.5"}),
    ("quartic", {"mu2": "1", "g": "0.4"}),
    ("gaussian_mixture", {"mu0": "1", "sigma0": "0.6"}),
    ("cosine_well", {"k": "3"}),
]


@pytest.mark.parametrize(("theory", "parameters_"), ONE_VARIABLE, ids=str)
@pytest.mark.parametrize(("name", "values"), [*EXACT[:1], *EXACT[3:4], *EXACT[5:], ("exact", {})], ids=str)
def test_one_variable(theory, parameters_, name, values, seed):
    system = System(parameters.build(registry.load("theories", theory), parameters_, theory), Lattice((1,)))
    exact = system.theory.exact(system.lattice)
    chains = [run(build(name, values), system, seed, chain).fields for chain in range(CHAINS)]
    assert abs(z([x.mean() for x in chains], 0)) < 4
    for n in ("2", "4"):  # higher ones are too skewed for so few draws
        assert abs(z([(x ** int(n)).mean() for x in chains], exact["moments", n])) < 4


@pytest.mark.parametrize(("theory", "parameters_"), [*ONE_VARIABLE, ("double_well", {"a": "-4", "b": "1"})], ids=str)
def test_a_million_exact_draws(theory, parameters_, seed):
    system = System(parameters.build(registry.load("theories", theory), parameters_, theory), Lattice((1,)))
    algorithm, exact = build("exact", {}), system.theory.exact(system.lattice)
    state = algorithm.init(system, np.zeros(1), 0)
    x = algorithm.step(system, state, Stream(seed, 0), 10**6, 1, False)[1].fields[:, 0]
    for n in ("2", "4", "6", "8"):
        assert abs(z(x ** int(n), exact["moments", n])) < 4


@pytest.mark.parametrize("name", ["hmc", "fahmc", "metropolis", "wolff"])
def test_single_precision(name, seed):
    system, algorithm = scalar_system((4, 6), "float32"), build(name, {})
    means = [free_field_means(run(algorithm, system, seed, chain), system)[0] for chain in range(CHAINS)]
    assert abs(z(means, system.theory.propagator(system.lattice).mean())) < 4


def test_unadjusted_langevin_has_the_bias_of_its_step(seed):
    """Euler–Maruyama on S = ½λφ² samples the variance 1/(λ(1 − ελ/2)), mode by mode."""
    epsilon = 0.2
    system, algorithm = scalar_system((4, 6), mass2="1.0"), build("langevin", {"step_size": str(epsilon)})
    inverse = 1 / system.theory.propagator(system.lattice)
    biased = (1 / (inverse * (1 - epsilon * inverse / 2))).mean()
    means = [free_field_means(run(algorithm, system, seed, chain, draws=1500), system)[0] for chain in range(CHAINS)]
    assert abs(z(means, biased)) < 4
    assert abs(z(means, (1 / inverse).mean())) > 10
