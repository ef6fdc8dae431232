"""Heat bath, overrelaxation, moves between sectors and their composites: exact results of U(1), rules, errors."""

import numpy as np
import pytest
from statistical import difference, estimate, mean

from sqcli import parameters, registry
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.theories.u1 import U1

CHAINS = 16


def build(name, **values):
    return parameters.build(registry.load("mcmc", name), {k.replace("__", "."): v for k, v in values.items()}, name)


def composite(updates, **values):
    return build("composite", updates=updates, **values)


def chains(algorithm, system, seed, size, draws=400, every=1, warmup=100):
    """Draws of independent chains from hot and cold starts, (n, *site) each."""
    for chain in range(CHAINS * size):
        stream, manifold = Stream(seed, chain), system.theory.manifold
        start = manifold.hot(system.lattice, stream) if chain % 2 else manifold.cold(system.lattice)
        state = algorithm.init(system, start.astype(system.dtype), warmup)
        state, _ = algorithm.step(system, state, stream, 3 * warmup // 4, warmup, True)
        state, _ = algorithm.step(system, state, stream, warmup // 4, warmup, False)
        yield algorithm.step(system, state, stream, draws * every, every, False)[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("beta", [-1.5, 0.0, 0.3, 2.0, 9.0])
@pytest.mark.parametrize(
    "algorithm", [build("heatbath"), composite("heatbath:1,overrelaxation:3,instanton:2")], ids=str
)
def test_plaquette_and_charge_of_the_torus(algorithm, beta, dtype, judge):
    theory, lattice = U1(beta), Lattice((5, 3))
    system, exact = System(theory, lattice, dtype), theory.exact(lattice)

    def sample(seed, size):
        seen = [trace.fields.astype(float) for trace in chains(algorithm, system, seed, size)]
        assert max(np.abs(fields).max() for fields in seen) < np.pi + 1e-6
        plaquettes = [np.cos(theory.plaquettes(fields, lattice)).mean() for fields in seen]
        found = {"plaquette": mean(plaquettes, exact["plaquette", None], tolerance=1e-7)}
        if beta < 3:  # other sectors have no weight at 9
            squares = [(theory.charge(fields, lattice) ** 2).mean() for fields in seen]
            found["charge"] = mean(squares, theory.charge_squared(lattice))
        return found

    judge.check(sample)


@pytest.mark.parametrize(("extents", "beta"), [((16, 16), 7.0), ((16, 16), 11.0), ((32, 32), 11.0), ((6, 20), 9.0)])
def test_instantons_thaw_the_charge(extents, beta, judge):
    """Where HMC stays in the sector of its start."""
    theory, lattice = U1(beta), Lattice(extents)
    algorithm, system = composite("heatbath:1,overrelaxation:2,instanton:3"), System(theory, lattice)

    def sample(seed, size):
        seen = [trace.fields for trace in chains(algorithm, system, seed, size, draws=200, every=2)]
        squares = [(theory.charge(fields, lattice) ** 2).mean() for fields in seen]
        return mean(squares, theory.charge_squared(lattice))

    judge.check(sample)


@pytest.mark.parametrize(("extents", "beta"), [((3, 2, 4), 1.2), ((2, 3, 2, 3), 0.9)], ids=str)
def test_heat_bath_above_two_dimensions(extents, beta, judge):
    theory = U1(beta)
    system = System(theory, Lattice(extents))

    def sample(seed, size):
        found, plaquettes = {}, []
        for name, algorithm in (("bath", composite("heatbath,overrelaxation:2")), ("hmc", build("hmc"))):
            fields = [t.fields for t in chains(algorithm, system, seed + len(found), size, every=2, warmup=200)]
            residuals = [theory.identities(f, system.lattice) for f in fields]
            found |= {f"{name} {key}": mean([r[key].mean() for r in residuals], 0) for key in residuals[0]}
            plaquettes.append(mean([np.cos(theory.plaquettes(f, system.lattice)).mean() for f in fields], 0))
        return found | {"difference": difference(*plaquettes)}

    judge.check(sample)


@pytest.mark.slow
def test_heat_bath_in_three_dimensions_is_that_of_an_independent_code(judge):
    system = System(U1(1.7), Lattice((6, 6, 6)))

    def sample(seed, size):
        seen = chains(composite("heatbath,overrelaxation"), system, seed, size, draws=1500, warmup=400)
        plaquettes = [np.cos(system.theory.plaquettes(trace.fields, system.lattice)).mean() for trace in seen]
        return difference(mean(plaquettes), estimate(0.750952, 0.000124))

    judge.check(sample)


@pytest.mark.parametrize("extents", [(4, 6), (3, 5), (2, 3, 2), (2, 3, 2, 2)], ids=str)
def test_overrelaxation_keeps_the_action_and_goes_back(extents, rng):
    theory, lattice = U1(1.7), Lattice(extents)
    system, algorithm = System(theory, lattice), build("overrelaxation")
    start = theory.manifold.project(rng.uniform(-np.pi, np.pi, theory.manifold.site(lattice)))
    state = algorithm.init(system, start, 0)
    after, trace = algorithm.step(system, state, Stream(1, 0), 50, 1, False)
    actions = theory.action(trace.fields, lattice)
    np.testing.assert_allclose(actions, np.full(50, theory.action(start[None], lattice)[0]), rtol=1e-12)
    assert theory.manifold.distance(after.field, start) > 0.1
    assert algorithm.exactness().status == "uncorrected"


def test_a_move_between_sectors_changes_nothing_else(rng):
    """Every plaquette turns by the same angle, and the next move in the other direction undoes it."""
    theory, lattice = U1(0.5), Lattice((5, 4))
    system, algorithm = System(theory, lattice), build("instanton")
    fields = rng.uniform(-np.pi, np.pi, (1, 2, 5, 4))
    state = algorithm.init(system, fields[0], 0)
    _, trace = algorithm.step(system, state, Stream(3, 0), 40, 1, False)
    turned = np.angle(np.exp(1j * (theory.plaquettes(trace.fields, lattice) - theory.plaquettes(fields, lattice))))
    steps = turned / (2 * np.pi / lattice.volume)
    np.testing.assert_allclose(steps, np.broadcast_to(np.rint(steps[:, :, :1, :1]), steps.shape), atol=1e-9)
    moves = np.diff(np.rint(steps[:, 0, 0, 0]), prepend=0)
    assert set(moves) == {-1, 0, 1}
    np.testing.assert_array_equal(trace.stats["acceptance_rate"], np.abs(moves))


def test_members_of_a_composite_have_numbers_of_their_own():
    """The same algorithm as several updates of a part, or as several composite updates."""
    system = System(U1(2.0), Lattice((4, 4)))
    start = system.theory.manifold.hot(system.lattice, Stream(2, 0))
    ends = []
    for algorithm, updates in ((composite("heatbath:3"), 2), (composite("heatbath"), 6), (build("heatbath"), 6)):
        state = algorithm.init(system, start, 0)
        ends.append(algorithm.step(system, state, Stream(2, 0), updates, updates, False)[0].field)
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[0], ends[2])


def test_members_tune_themselves_and_say_so():
    phi4 = parameters.build(registry.load("theories", "phi4"), {"kappa": "0.25", "lambda": "0.1"}, "phi4")
    system = System(phi4, Lattice((8, 8)))
    algorithm = composite("hmc:2,wolff:1,metropolis:3", hmc__n_steps="7", metropolis__target_acceptance="0.4")
    trace = next(chains(algorithm, system, 5, 1, draws=200, every=2, warmup=400))
    assert set(trace.stats) == set(algorithm.stats())
    assert {"hmc_acceptance_rate", "metropolis_acceptance_rate", "width", "hmc_step_size"} <= set(algorithm.stats())
    assert abs(trace.stats["metropolis_acceptance_rate"].mean() - 0.4) < 0.08
    assert 0.6 < trace.stats["hmc_acceptance_rate"].mean() < 0.95
    assert np.unique(trace.stats["width"]).size == 1


def test_parameters_of_a_composite_are_stated_in_full_and_come_back():
    algorithm = composite("heatbath,hmc:2", hmc__n_steps="4")
    values = parameters.to_mapping(algorithm)
    assert values["updates"] == "heatbath:1,hmc:2"
    assert (values["hmc.n_steps"], values["hmc.step_size"]) == (4, "auto")
    assert parameters.build(type(algorithm), values, "again") == algorithm


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "needs the parameter 'updates'"),
        ({"updates": ""}, "takes ALGORITHM:UPDATES"),
        ({"updates": "hmc:0"}, "takes ALGORITHM:UPDATES"),
        ({"updates": "hmc,hmc"}, "names hmc twice"),
        ({"updates": "heatbth"}, "did you mean 'heatbath'"),
        ({"updates": "smc"}, "smc with these parameters cannot be a member"),
        ({"updates": "langevin"}, "langevin with these parameters cannot be a member"),
        ({"updates": "composite"}, "needs the parameter 'updates'"),
        ({"updates": "heatbath", "hmc.n_steps": "3"}, "hmc is not among the updates"),
        ({"updates": "hmc", "hmc.n_step": "3"}, "did you mean 'n_steps'"),
        ({"updates": "hmc", "n_steps": "3"}, "no parameter 'n_steps'"),
    ],
)
def test_malformed_composites_are_refused(values, said):
    with pytest.raises(UsageError, match=said):
        parameters.build(registry.load("mcmc", "composite"), values, "algorithm composite")


@pytest.mark.parametrize(
    ("theory", "extents", "name", "said"),
    [
        ("phi4", (4, 4), "heatbath", "heatbath needs conditional distributions"),
        ("phi4", (4, 4), "overrelaxation", "overrelaxation needs reflections"),
        ("phi4", (4, 4), "instanton", "instanton needs moves between topological sectors"),
        ("u1", (4, 4, 4), "instanton", "two dimensions only"),
    ],
)
def test_theories_without_the_ability_are_told(theory, extents, name, said):
    values = {"phi4": {"kappa": "0.2", "lambda": "0.1"}, "u1": {"beta": "1"}}[theory]
    system = System(parameters.build(registry.load("theories", theory), values, theory), Lattice(extents))
    for algorithm in (build(name), composite(f"metropolis,{name}")):
        with pytest.raises(UsageError, match=said):
            algorithm.check(system, 10)


def test_a_composite_without_an_ergodic_part_is_uncorrected():
    assert composite("heatbath,overrelaxation:4").exactness().status == "exact"
    assert composite("overrelaxation:4,instanton:1").exactness().status == "uncorrected"


@pytest.mark.parametrize("updates", ["heatbath,overrelaxation,instanton", "heatbath,hmc,instanton"])
def test_actions_are_those_of_the_draws(updates):
    system = System(U1(3.0), Lattice((4, 5)))
    trace = next(chains(composite(updates), system, 6, 1, draws=20, every=2))
    np.testing.assert_allclose(trace.stats["action"], system.theory.action(trace.fields, system.lattice), rtol=1e-12)
