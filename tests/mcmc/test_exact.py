"""Every algorithm against exact results: the free field in 1–3 dimensions, U(1) in 2–4, one variable.

Chains are independent, so the error of a mean is that of the chains' means.
"""

import numpy as np
import pytest
from statistical import difference, estimate, mean

from sqcli import parameters, registry
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System

CHAINS = 24
EXACT = [
    ("hmc", {}),
    ("hmc", {"integrator": "omelyan", "n_steps": "4", "jitter": "0.3"}),
    ("hmc", {"step_size": "0.2", "n_steps": "5"}),
    ("hmc", {"integrator": "omelyan4", "n_steps": "1", "jitter": "0.3"}),
    ("hmc", {"integrator": "force_gradient", "n_steps": "2"}),
    ("fahmc", {}),
    ("fahmc", {"m_eff2": "0.7", "integrator": "omelyan", "n_steps": "4"}),
    ("fahmc", {"m_eff2": "0.7", "integrator": "force_gradient", "n_steps": "2"}),
    ("metropolis", {}),
    ("metropolis", {"order": "random", "width": "1.5"}),
    ("langevin", {"adjusted": "true", "step_size": "auto"}),
    ("wolff", {"clusters": "2"}),
    ("wolff", {"integrator": "force_gradient", "n_steps": "2"}),
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


def chains_of(algorithm, system, seed, size, **options):
    return [run(algorithm, system, seed, chain, **options) for chain in range(CHAINS * size)]


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
def test_free_field(name, values, extents, judge):
    system, algorithm = scalar_system(extents), build(name, values)
    propagator = system.theory.propagator(system.lattice)

    def sample(seed, size):
        chains = chains_of(algorithm, system, seed, size)
        means = np.array([free_field_means(trace, system)[:2] for trace in chains])
        found = {"phi2": mean(means[:, 0], propagator.mean()), "m2": mean(means[:, 1], propagator.flat[0])}
        stats = chains[0].stats
        if "delta_h" in stats:
            found["exp_delta_h"] = mean([np.exp(-trace.stats["delta_h"]).mean() for trace in chains], 1)
        if "action" in stats:
            action = system.theory.action(chains[0].fields, system.lattice)
            np.testing.assert_allclose(stats["action"], action, rtol=1e-12)
        if "chi2_improved" in stats:
            improved = [trace.stats["chi2_improved"].mean() for trace in chains]
            found["chi2_improved"] = mean(improved, propagator.flat[0])
        return found

    judge.check(sample)


@pytest.mark.parametrize(("name", "values"), EXACT, ids=str)
def test_interacting_theory_satisfies_schwinger_dyson(name, values, judge):
    theory = parameters.build(registry.load("theories", "phi4"), {"kappa": "0.3", "lambda": "0.5"}, "phi4")
    system, algorithm = System(theory, Lattice((4, 5))), build(name, values)

    def sample(seed, size):
        chains = chains_of(algorithm, system, seed, size)
        residuals = [theory.identities(chain.fields, system.lattice) for chain in chains]
        return {identity: mean([r[identity].mean() for r in residuals], 0) for identity in residuals[0]}

    judge.check(sample)


@pytest.mark.parametrize(("name", "values"), [case for case in EXACT if case[0] != "wolff"], ids=str)
def test_u1_plaquette(name, values, judge):
    theory = parameters.build(registry.load("theories", "u1"), {"beta": "2"}, "u1")
    system, algorithm = System(theory, Lattice((4, 5))), build(name, values)

    def sample(seed, size):
        fields = [chain.fields for chain in chains_of(algorithm, system, seed, size)]
        assert max(np.abs(f).max() for f in fields) <= np.pi
        plaquettes = [np.cos(theory.plaquettes(f, system.lattice)).mean() for f in fields]
        return mean(plaquettes, theory.exact(system.lattice)[("plaquette", None)])

    judge.check(sample)


LINKS = [("hmc", {"n_steps": "5"}), ("metropolis", {}), ("langevin", {"adjusted": "true", "step_size": "auto"})]


@pytest.mark.parametrize(("extents", "beta"), [((3, 2, 4), 1.2), ((2, 3, 2, 3), 0.9)], ids=str)
def test_u1_above_two_dimensions(extents, beta, judge):
    """Schwinger–Dyson by every algorithm, and one plaquette by all of them."""
    theory = parameters.build(registry.load("theories", "u1"), {"beta": str(beta)}, "u1")
    system = System(theory, Lattice(extents))

    def sample(seed, size):
        found, plaquettes = {}, []
        for name, values in LINKS:
            fields = [chain.fields for chain in chains_of(build(name, values), system, seed + len(plaquettes), size)]
            residuals = [theory.identities(f, system.lattice) for f in fields]
            found |= {f"{name} {key}": mean([r[key].mean() for r in residuals], 0) for key in residuals[0]}
            plaquettes.append(mean([np.cos(theory.plaquettes(f, system.lattice)).mean() for f in fields], 0))
        one, *others = plaquettes
        return found | {f"difference {i}": difference(one, other) for i, other in enumerate(others)}

    judge.check(sample)


@pytest.mark.parametrize("name", ["hmc", "metropolis"])
def test_u1_in_four_dimensions_at_strong_coupling(name, judge):
    """⟨cos θ_□⟩ = u + 4u⁵ + …, u = β/2 − β³/16 + …: the next terms are below 1e−5."""
    theory = parameters.build(registry.load("theories", "u1"), {"beta": "0.2"}, "u1")
    system, u = System(theory, Lattice((4, 4, 4, 4))), 0.1 - 0.2**3 / 16

    def sample(seed, size):
        chains = chains_of(build(name, {}), system, seed, size, draws=60, warmup=100)
        plaquettes = [np.cos(theory.plaquettes(chain.fields, system.lattice)).mean() for chain in chains]
        return mean(plaquettes, u + 4 * u**5, tolerance=1e-5)

    judge.check(sample)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "values"), LINKS[:2], ids=str)
def test_u1_in_three_dimensions_is_that_of_an_independent_heat_bath(name, values, judge):
    theory = parameters.build(registry.load("theories", "u1"), {"beta": "1.7"}, "u1")
    system = System(theory, Lattice((6, 6, 6)))

    def sample(seed, size):
        chains = chains_of(build(name, values), system, seed, size, draws=1000, warmup=600)
        plaquettes = [np.cos(theory.plaquettes(chain.fields, system.lattice)).mean() for chain in chains]
        return difference(mean(plaquettes), estimate(0.750952, 0.000124))

    judge.check(sample)


ONE_VARIABLE = [
    ("double_well", {"a": "-2", "b": "0.5"}),
    ("quartic", {"mu2": "1", "g": "0.4"}),
    ("gaussian_mixture", {"mu0": "1", "sigma0": "0.6"}),
    ("cosine_well", {"k": "3"}),
]


@pytest.mark.parametrize(("theory", "parameters_"), ONE_VARIABLE, ids=str)
@pytest.mark.parametrize(("name", "values"), [*EXACT[:1], *EXACT[3:4], *EXACT[5:], ("exact", {})], ids=str)
def test_one_variable(theory, parameters_, name, values, judge):
    system = System(parameters.build(registry.load("theories", theory), parameters_, theory), Lattice((1,)))
    exact = system.theory.exact(system.lattice)

    def sample(seed, size):
        chains = [chain.fields for chain in chains_of(build(name, values), system, seed, size)]
        found = {"mean": mean([x.mean() for x in chains], 0)}
        for n in ("2", "4"):  # higher ones are too skewed for so few draws
            found[f"moment {n}"] = mean([(x ** int(n)).mean() for x in chains], exact["moments", n])
        return found

    judge.check(sample)


@pytest.mark.parametrize(("theory", "parameters_"), [*ONE_VARIABLE, ("double_well", {"a": "-4", "b": "1"})], ids=str)
def test_a_million_exact_draws(theory, parameters_, judge):
    system = System(parameters.build(registry.load("theories", theory), parameters_, theory), Lattice((1,)))
    algorithm, exact = build("exact", {}), system.theory.exact(system.lattice)

    def sample(seed, size):
        state = algorithm.init(system, np.zeros(1), 0)
        x = algorithm.step(system, state, Stream(seed, 0), size * 10**6, 1, False)[1].fields[:, 0]
        return {n: mean(x ** int(n), exact["moments", n]) for n in ("2", "4", "6", "8")}

    judge.check(sample)


def test_half_a_million_metropolis_draws(judge):
    system = System(parameters.build(registry.load("theories", "quartic"), ONE_VARIABLE[1][1], ""), Lattice((1,)))
    algorithm, exact = build("metropolis", {"width": "3"}), system.theory.exact(system.lattice)

    def sample(seed, size):
        chains = [chain.fields for chain in chains_of(algorithm, system, seed, size, draws=20_000)]
        even = {n: mean([(x ** int(n)).mean() for x in chains], exact["moments", n]) for n in ("2", "4")}
        return even | {"mean": mean([x.mean() for x in chains], 0)}

    judge.check(sample)


@pytest.mark.parametrize("name", ["hmc", "fahmc", "metropolis", "wolff"])
def test_single_precision(name, judge):
    system, algorithm = scalar_system((4, 6), "float32"), build(name, {})

    def sample(seed, size):
        means = [free_field_means(chain, system)[0] for chain in chains_of(algorithm, system, seed, size)]
        return mean(means, system.theory.propagator(system.lattice).mean())

    judge.check(sample)


def test_unadjusted_langevin_has_the_bias_of_its_step(judge):
    """Euler–Maruyama on S = ½λφ² samples the variance 1/(λ(1 − ελ/2)), mode by mode."""
    epsilon = 0.2
    system, algorithm = scalar_system((4, 6), mass2="1.0"), build("langevin", {"step_size": str(epsilon)})
    inverse = 1 / system.theory.propagator(system.lattice)
    biased = (1 / (inverse * (1 - epsilon * inverse / 2))).mean()
    assert biased > 1.2 * (1 / inverse).mean()

    def sample(seed, size):
        chains = chains_of(algorithm, system, seed, size, draws=1500)
        return mean([free_field_means(chain, system)[0] for chain in chains], biased)

    judge.check(sample)
