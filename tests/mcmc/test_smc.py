"""Sequential Monte Carlo: unbiased Z and consistent weighted means, against quadrature and against Wolff's algorithm.

Populations are independent, so errors are those of the populations' means.
"""

import numpy as np
import pytest
from statistical import difference, mean, ratio

from sqcli import parameters, registry
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System, smc
from sqcli.mcmc._cache import Recent
from sqcli.mcmc._population import pilot

WELLS = [
    ("double_well", {"a": "-4", "b": "1"}),
    ("quartic", {"mu2": "-1", "g": "0.4"}),
    ("gaussian_mixture", {"mu0": "1", "sigma0": "0.25"}),
    ("cosine_well", {"k": "5"}),
]


def theory_of(name, values):
    return parameters.build(registry.load("theories", name), values, name)


def particles(system, seed, populations, draws=None, every=1, **values):
    """Fields (populations, draws, *site) and e^{log_weight}, (populations, draws), one population a chain."""
    algorithm = smc.SMC(**values)
    start = np.zeros(system.lattice.extents, system.dtype)
    size = (draws or algorithm.particles) * every
    state = algorithm.init(system, start, 0)
    traces = [algorithm.step(system, state, Stream(seed, c), size, every, False)[1] for c in range(populations)]
    return np.array([t.fields for t in traces]), np.array([t.stats["log_weight"] for t in traces])


def partition(log_weights, log_z):
    """⟨e^{log_weight}⟩ = Z."""
    return mean(np.exp(log_weights - log_z).mean(axis=1), 1)


def weighted(values, log_weights, expected=None):
    """Ratio of the means of w·f and w."""
    w = np.exp(log_weights - log_weights.max())
    return ratio((w * values).mean(axis=1), w.mean(axis=1), expected)


@pytest.mark.parametrize(("name", "values"), WELLS, ids=str)
def test_one_variable(name, values, judge):
    theory, lattice = theory_of(name, values), Lattice((1,))
    exact = theory.exact(lattice)

    def sample(seed, size):
        fields, logs = particles(System(theory, lattice), seed, 64 * size)
        moments = {n: weighted(fields[..., 0] ** int(n), logs, exact["moments", n]) for n in ("2", "4")}
        return {"z": partition(logs, theory.log_partition(lattice)), **moments}

    judge.check(sample)


@pytest.mark.parametrize(
    "values",
    [{}, {"temperatures": 2, "moves": 2}, {"ess_threshold": 1.0}, {"overlap": 0.5}, {"integrator": "force_gradient"}],
    ids=str,
)
def test_z_is_unbiased_however_few_the_particles(values, judge):
    theory, lattice = theory_of(*WELLS[0]), Lattice((1,))

    def sample(seed, size):
        _, logs = particles(System(theory, lattice), seed, 600 * size, particles=6, **values)
        return partition(logs, theory.log_partition(lattice))

    judge.check(sample)


@pytest.mark.parametrize(("draws", "every"), [(1, 1), (2, 3)])
def test_a_part_of_a_population_stands_for_all_of_it(draws, every, judge):
    theory, lattice = theory_of(*WELLS[0]), Lattice((1,))

    def sample(seed, size):
        fields, logs = particles(System(theory, lattice), seed, 600 * size, draws, every, particles=8)
        square = weighted(fields[..., 0] ** 2, logs, theory.exact(lattice)["moments", "2"])
        return {"z": partition(logs, theory.log_partition(lattice)), "square": square}

    judge.check(sample)


def test_free_field_is_its_own_reference(judge):
    theory, lattice = theory_of("free", {"mass2": "0.3"}), Lattice((3, 4))

    def sample(seed, size):
        fields, logs = particles(System(theory, lattice), seed, 24 * size, particles=64)
        np.testing.assert_allclose(logs, theory.log_partition(lattice), atol=1e-9)
        return mean((fields**2).mean(axis=(1, 2, 3)), theory.propagator(lattice).mean())

    judge.check(sample)


@pytest.mark.parametrize("kappa", ["-0.2", "0.3", "0.6"])
def test_two_sites_by_quadrature(kappa, judge):
    theory, lattice = theory_of("phi4", {"kappa": kappa, "lambda": "0.3"}), Lattice((2,))
    x = np.linspace(-5, 5, 401)
    grid = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    weight = np.exp(-theory.action(grid, lattice))
    neighbours = weight @ grid.prod(axis=1) / weight.sum()

    def sample(seed, size):
        fields, logs = particles(System(theory, lattice), seed, 48 * size, particles=64)
        z = partition(logs, np.log(weight.sum() * (x[1] - x[0]) ** 2))
        return {"z": z, "neighbours": weighted(fields.prod(axis=-1), logs, neighbours)}

    judge.check(sample)


@pytest.mark.parametrize(("kappa", "dtype"), [("0.21", "float64"), ("0.27", "float64"), ("0.27", "float32")])
def test_phi4_agrees_with_wolff(kappa, dtype, judge):
    system = System(theory_of("phi4", {"kappa": kappa, "lambda": "0.022"}), Lattice((8, 8)), dtype)
    wolff = parameters.build(registry.load("mcmc", "wolff"), {"step_size": "0.2", "clusters": "2"}, "wolff")
    start = np.ones((8, 8), dtype)
    functions = {"phi2": lambda f: (f**2).mean(axis=(-1, -2)), "m2": lambda f: f.mean(axis=(-1, -2)) ** 2}

    def sample(seed, size):
        fields, logs = particles(system, seed, 24 * size)
        chains = [
            wolff.step(system, wolff.init(system, start, 0), Stream(seed, c), 1500, 3, False)[1].fields[100:]
            for c in range(12 * size)
        ]
        return {
            name: difference(
                weighted(function(fields.astype(float)), logs),
                mean([function(chain.astype(float)).mean() for chain in chains], 0.0),
            )
            for name, function in functions.items()
        }

    judge.check(sample)


def test_warmup_costs_nothing_and_changes_nothing(seed):
    system = System(theory_of(*WELLS[0]), Lattice((1,)))
    algorithm, stream = smc.SMC(particles=8), Stream(seed, 0)
    fresh = algorithm.step(system, algorithm.init(system, np.ones(1), 0), stream, 20, 1, False)[1]
    state, seen = algorithm.step(system, algorithm.init(system, np.ones(1), 500), stream, 500, 7, True)
    assert np.isnan(seen.stats["action"]).all()
    after = algorithm.step(system, state, stream, 20, 1, False)[1]
    np.testing.assert_array_equal(after.fields, fresh.fields)
    np.testing.assert_array_equal(after.stats["population"], np.arange(20) // 8)


def test_a_population_made_again_is_the_same(seed):
    system = System(theory_of("phi4", {"kappa": "0.27", "lambda": "0.1"}), Lattice((4, 4)))
    algorithm, stream = smc.SMC(particles=8), Stream(seed, 3)
    kept = algorithm.step(system, algorithm.init(system, np.ones((4, 4)), 0), stream, 20, 1, False)[1]
    pilot.cache_clear()
    algorithm = smc.SMC(particles=8)  # the other one holds its populations
    again = algorithm.step(system, algorithm.init(system, np.ones((4, 4)), 0), stream, 20, 1, False)[1]
    np.testing.assert_array_equal(kept.fields, again.fields)
    np.testing.assert_array_equal(kept.stats["log_weight"], again.stats["log_weight"])
    action = system.theory.action(kept.fields, system.lattice)
    np.testing.assert_allclose(kept.stats["action"], action, rtol=1e-12)


def test_results_used_last_are_held_up_to_a_limit():
    held, made = Recent(10, len), []

    def get(key, size):
        return held.get(key, lambda: made.append(key) or bytes(size))

    for key, size in [("a", 6), ("b", 4), ("a", 6), ("c", 3), ("a", 6), ("b", 4), ("d", 100), ("d", 100)]:
        assert len(get(key, size)) == size
    assert made == ["a", "b", "c", "b", "d"]  # b gave way to c; d alone is more than the limit


def test_populations_belong_to_the_algorithm_that_made_them(seed):
    system, stream = System(theory_of(*WELLS[0]), Lattice((1,))), Stream(seed, 0)
    one, other = smc.SMC(particles=8), smc.SMC(particles=8)
    for algorithm in (one, other):
        algorithm.step(system, algorithm.init(system, np.ones(1), 0), stream, 3, 1, False)
    assert one == other
    assert one._held is not other._held
