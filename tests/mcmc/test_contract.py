"""What every algorithm must satisfy whatever it samples: purity, splitting, naming of statistics, tuning, errors."""

import numpy as np
import pytest
from statistical import mean

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System

VARIANTS = {
    "hmc": [{}, {"jitter": "0.5"}],
    "fahmc": [{}, {"m_eff2": "1"}],
    "metropolis": [{}, {"order": "random"}],
    "wolff": [{"clusters": "2"}, {"radial": "metropolis"}, {"decomposition": "full"}, {"radial_updates": "0"}],
    "langevin": [{}, {"adjusted": "true", "step_size": "auto"}],
    "exact": [{}],
    "heatbath": [{}],
    "overrelaxation": [{}],
    "instanton": [{}],
    "composite": [{"updates": "heatbath:2,overrelaxation,instanton:1,metropolis,hmc:1", "hmc.n_steps": "3"}],
    "complex_langevin": [
        {},
        {"scheme": "half-implicit", "noise_imag": "0.3"},
        {"drift_limit": "0.5", "step_size": "0.3", "kernel_angle": "learned"},
    ],
    "smc": [{"particles": "5"}, {"particles": "16", "temperatures": "3", "step_size": "0.2"}],
}
THEORIES = {
    "phi4": {"kappa": "0.25", "lambda": "0.1"},
    "free": {"mass2": "0.3"},
    "u1": {"beta": "2.2"},
    "sun": {"n": "2", "beta": "2.2"},
    "un": {"n": "3", "beta": "4"},
    "complex_quartic": {"sigma0": "1+1j", "lambda": "1"},
}
ON = {"exact": "free", "heatbath": "u1", "overrelaxation": "u1", "instanton": "u1", "composite": "u1"}
ON["complex_langevin"] = "complex_quartic"
CASES = [(name, values, ON.get(name, "phi4")) for name, variants in VARIANTS.items() for values in variants]
CASES += [
    ("hmc", {"n_steps": "3"}, "un"),
    ("langevin", {"adjusted": "true", "step_size": "auto"}, "sun"),
    ("metropolis", {}, "un"),
    ("composite", {"updates": "heatbath,overrelaxation:2,metropolis,hmc", "hmc.n_steps": "3"}, "sun"),
    ("composite", {"updates": "heatbath,overrelaxation:2,instanton:2"}, "un"),
    ("exact", {}, "sun"),
    ("exact", {}, "un"),
]
WARMUP = 48
MALA = {"adjusted": "true", "step_size": "auto"}


def test_every_algorithm_is_tried():
    assert set(VARIANTS) == set(registry.names("mcmc"))


@pytest.fixture(params=["float64", "float32"])
def system(request):
    *_, name = request.node.callspec.params.get("algorithm", ("", {}, "phi4"))
    theory = parameters.build(registry.load("theories", name), THEORIES[name], name)
    return System(theory, Lattice((1,) if name == "complex_quartic" else (4, 6)), request.param)


@pytest.fixture(params=CASES, ids=str)
def algorithm(request):
    name, values, _ = request.param
    return parameters.build(registry.load("mcmc", name), values, name)


def pieces(algorithm, system, cuts, seed):
    """36 tuned updates, 12 frozen ones, then draws; every phase in pieces of these sizes."""
    stream = Stream(seed, 3)
    start = system.theory.manifold.hot(system.lattice, stream).astype(system.theory.manifold.stored(system.dtype))
    state, traces = algorithm.init(system, start, WARMUP), []
    for total, every, tune in ((36, 100, True), (12, 100, False), (24, 2, False)):
        done, turn = 0, 0
        while done < total:
            size = min(cuts[turn % len(cuts)], total - done)
            state, trace = algorithm.step(system, state, stream, size, every, tune)
            done, turn = done + size, turn + 1
            traces.append(trace)
    return state, np.concatenate([t.fields for t in traces]), traces


def test_split_run_is_the_unbroken_run_bit_for_bit(algorithm, system, seed):
    whole, fields, traces = pieces(algorithm, system, [10**6], seed)
    broken, same, parts = pieces(algorithm, system, [2, 6, 4], seed)
    assert fields.shape == (12, *system.theory.manifold.site(system.lattice))
    np.testing.assert_array_equal(fields, same)
    np.testing.assert_array_equal(whole.field, broken.field)
    np.testing.assert_array_equal(whole.tuning, broken.tuning)
    assert whole.update == broken.update == WARMUP + 24
    for name in algorithm.stats():
        joined = [np.concatenate([t.stats[name] for t in ts]) for ts in (traces, parts)]
        np.testing.assert_array_equal(*joined)


def test_step_is_pure(algorithm, system, seed):
    stream = Stream(seed, 0)
    state = algorithm.init(
        system,
        system.theory.manifold.hot(system.lattice, stream).astype(system.theory.manifold.stored(system.dtype)),
        WARMUP,
    )
    before = state.field.copy(), state.tuning.copy()
    first = algorithm.step(system, state, stream, 8, 2, True)
    second = algorithm.step(system, state, stream, 8, 2, True)
    np.testing.assert_array_equal(state.field, before[0])
    np.testing.assert_array_equal(state.tuning, before[1])
    np.testing.assert_array_equal(first[0].field, second[0].field)
    assert first[1].stats.keys() == set(algorithm.stats())


def test_chains_and_seeds_differ(algorithm, system):
    if type(algorithm).__name__ == "Overrelaxation":
        pytest.skip("draws no random numbers")
    start = system.theory.manifold.hot(system.lattice, Stream(9, 9)).astype(system.theory.manifold.stored(system.dtype))
    ends = [
        algorithm.step(system, algorithm.init(system, start, 0), Stream(*who), 8, 8, False)[0].field
        for who in ((1, 0), (1, 1), (2, 0), (1 + 2**32, 0))
    ]
    assert all(not np.array_equal(a, b) for i, a in enumerate(ends) for b in ends[:i])


@pytest.mark.parametrize(("name", "target"), [("hmc", 0.7), ("hmc", 0.9), ("fahmc", 0.8), ("metropolis", 0.4)])
def test_tuning_reaches_the_acceptance(name, target, judge):
    theory = parameters.build(registry.load("theories", "phi4"), {"kappa": "0.25", "lambda": "0.1"}, "phi4")
    system = System(theory, Lattice((12, 12)))
    algorithm = parameters.build(registry.load("mcmc", name), {"target_acceptance": str(target)}, name)

    def rate(seed, chain):
        stream = Stream(seed, chain)
        state = algorithm.init(system, theory.manifold.hot(system.lattice, stream), 1200)
        state, _ = algorithm.step(system, state, stream, 900, 900, True)
        return algorithm.step(system, state, stream, 400, 400, False)[1].stats["acceptance_rate"][0]

    judge.check(lambda seed, size: mean([rate(seed, c) for c in range(8 * size)], target, tolerance=0.04))


@pytest.mark.parametrize(("name", "values"), [("hmc", {}), ("fahmc", {}), ("metropolis", {}), ("langevin", MALA)])
def test_where_every_step_is_accepted_it_does_not_grow_for_ever(name, values):
    """At β = 0 it grew beyond 1e40, and angles had no digits left."""
    theory = parameters.build(registry.load("theories", "u1"), {"beta": "0"}, "u1")
    system, stream = System(theory, Lattice((4, 4))), Stream(1, 0)
    algorithm = parameters.build(registry.load("mcmc", name), values, name)
    state = algorithm.init(system, theory.manifold.hot(system.lattice, stream), 2000)
    state, _ = algorithm.step(system, state, stream, 1500, 1500, True)
    fields = algorithm.step(system, state, stream, 500, 1, False)[1].fields
    assert np.abs(fields).max() <= np.pi + 1e-9


def test_tuned_step_is_frozen(system):
    algorithm = parameters.build(registry.load("mcmc", "hmc"), {}, "hmc")
    stream = Stream(1, 0)
    state = algorithm.init(
        system, system.theory.manifold.cold(system.lattice).astype(system.theory.manifold.stored(system.dtype)), 40
    )
    state, _ = algorithm.step(system, state, stream, 30, 30, True)
    _, trace = algorithm.step(system, state, stream, 50, 1, False)
    assert np.unique(trace.stats["step_size"]).size == 1
    assert trace.stats["step_size"][0] != 0.1


def test_fahmc_pilot_finds_the_mass(judge):
    """On the free field G(k) = 1/(p̂² + m²) exactly, so the pilot's m_eff² estimates m²."""
    theory = parameters.build(registry.load("theories", "free"), {"mass2": "0.2"}, "free")
    system = System(theory, Lattice((8, 8)))
    algorithm = parameters.build(registry.load("mcmc", "fahmc"), {}, "fahmc")

    def found(seed, chain):
        stream = Stream(seed, chain)
        state = algorithm.init(system, theory.manifold.hot(system.lattice, stream), 2000)
        return np.log(algorithm.step(system, state, stream, 1000, 1000, True)[0].tuning[5])

    judge.check(lambda seed, size: mean([found(seed, c) for c in range(8 * size)], np.log(0.2), tolerance=0.1))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hmc", {"step_size": "-1"}),
        ("hmc", {"step_size": "fast"}),
        ("hmc", {"n_steps": "0"}),
        ("hmc", {"n_steps": "10001"}),
        ("wolff", {"clusters": "1000000000000"}),
        ("wolff", {"radial_updates": "129"}),
        ("hmc", {"n_steps": "2.5"}),
        ("hmc", {"jitter": "1"}),
        ("hmc", {"integrator": "euler"}),
        ("hmc", {"target_acceptance": "1"}),
        ("fahmc", {"m_eff2": "0"}),
        ("wolff", {"clusters": "0"}),
        ("wolff", {"radial_updates": "-1"}),
        ("wolff", {"radial": "langevin"}),
        ("metropolis", {"width": "0"}),
        ("metropolis", {"order": "sideways"}),
        ("langevin", {"step_size": "auto"}),
        ("langevin", {"step_size": "0"}),
        ("smc", {"particles": "0"}),
        ("smc", {"moves": "65"}),
        ("smc", {"temperatures": "5000"}),
        ("smc", {"overlap": "1"}),
    ],
    ids=str,
)
def test_parameters_out_of_range(name, values):
    with pytest.raises(UsageError):
        parameters.build(registry.load("mcmc", name), values, name)


@pytest.mark.parametrize("name", ["hmc", "fahmc", "metropolis", "wolff"])
def test_auto_needs_warmup(name, system):
    with pytest.raises(UsageError, match="warm-up"):
        parameters.build(registry.load("mcmc", name), {}, name).check(system, 0)


def test_missing_ability_is_told():
    theory = parameters.build(registry.load("theories", "u1"), {"beta": "1"}, "u1")
    with pytest.raises(UsageError, match="cluster flips"):
        parameters.build(registry.load("mcmc", "wolff"), {}, "wolff").check(System(theory, Lattice((4, 4))), 10)
    with pytest.raises(UsageError, match="Gaussian reference"):
        parameters.build(registry.load("mcmc", "smc"), {}, "smc").check(System(theory, Lattice((4, 4))), 10)


def test_exact_draws_are_not_known_of_everything(system):
    with pytest.raises(UsageError, match="exact draws"):
        parameters.build(registry.load("mcmc", "exact"), {}, "exact").check(system, 0)


def test_wolff_without_radial_updates_is_not_called_exact():
    wolff = registry.load("mcmc", "wolff")
    assert wolff().exactness().status == "exact"
    assert wolff(radial_updates=0).exactness().status == "uncorrected"
