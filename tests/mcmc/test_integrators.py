"""Integrators of molecular dynamics: order, symmetry, way back, and what follows for the energy, on every manifold."""

import numpy as np
import pytest
from statistical import mean

from sqcli.analysis._reversibility import follow
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc._integrators import STAGES, splitting
from sqcli.mcmc.hmc import HMC
from sqcli.theories.phi4 import Phi4
from sqcli.theories.sun import SUN
from sqcli.theories.u1 import U1

ORDERS = {"leapfrog": 2, "omelyan": 2, "omelyan4": 4, "force_gradient": 4}
FORCES = {"leapfrog": 1, "omelyan": 2, "omelyan4": 5, "force_gradient": 3}
SYSTEMS = [
    (Phi4(0.25, 0.1), (4, 6)), (Phi4(0.15, 0.1), (3, 4, 2, 4)), (U1(2.0), (4, 6)), (U1(1.0), (2, 3, 2, 4)),
    (SUN(2, 2.3), (4, 3)), (SUN(2, 2.3), (2, 3, 2, 4)), (SUN(3, 5.5), (4, 3)), (SUN(3, 5.5), (2, 3, 2, 2)),
]  # fmt: skip
LENGTH = 0.5


def oscillator(integrator, n):
    """Energy error of x² + p² over a time 1 in n steps."""
    kicks, drifts, last, shifts = splitting(integrator, n)
    x, p = 1.0, 0.3
    for i, (kick, drift) in enumerate(zip(kicks / n, drifts / n, strict=True)):
        p -= kick * (x - (shifts[i] / n**2 * x if len(shifts) else 0.0))
        x += drift * p
    p -= last / n * x
    return abs(x * x + p * p - 1.09)


def test_every_integrator_is_tried():
    assert set(STAGES) == set(ORDERS)


@pytest.mark.parametrize("integrator", STAGES)
def test_splittings_are_symmetric_and_of_their_order(integrator):
    kicks, drifts, last, shifts = splitting(integrator, 5)
    assert kicks.sum() + last == pytest.approx(5)
    assert drifts.sum() == pytest.approx(5)
    assert len(kicks) + (shifts > 0).sum() == 5 * FORCES[integrator]
    np.testing.assert_allclose([*kicks, last], [*kicks, last][::-1])
    np.testing.assert_allclose(drifts, drifts[::-1])
    errors = np.array([oscillator(integrator, n) for n in (10, 20, 40)])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), ORDERS[integrator], atol=0.15)


def test_better_integrators_gain_at_equal_cost():
    assert oscillator("omelyan", 10) < oscillator("leapfrog", 20) / 2
    assert oscillator("omelyan4", 4) < oscillator("force_gradient", 6) < oscillator("omelyan", 10) / 10


@pytest.fixture(params=SYSTEMS, ids=lambda case: f"{case[0]}-{case[1]}", scope="module")
def thermal(request):
    """A system, a thermalised field and Gaussian momenta."""
    theory, extents = request.param
    system, stream = System(theory, Lattice(extents)), Stream(3, 0)
    hmc = HMC(step_size=0.1)
    start = hmc.init(system, theory.manifold.hot(system.lattice, stream), 0)
    field = hmc.step(system, start, stream, 60, 60, False)[0].field
    return system, field, np.random.default_rng(1).standard_normal(theory.manifold.tangent(system.lattice))


def energy(system, field, momentum):
    return float(system.theory.action(field[None], system.lattice)[0]) + 0.5 * float((momentum**2).sum())


@pytest.mark.parametrize("integrator", STAGES)
def test_energy_changes_as_the_order_says(integrator, thermal):
    """ΔH of one trajectory of fixed length is proportional to ε² or ε⁴, also where links do not commute."""
    system, field, momentum = thermal
    before = energy(system, field, momentum)
    steps = {2: (20, 40, 80), 4: (10, 20, 40)}[ORDERS[integrator]]
    changes = [
        energy(system, *follow(system, field, momentum, splitting(integrator, n), LENGTH / n)) - before for n in steps
    ]
    order = np.log2(np.abs(np.array(changes[:-1]) / changes[1:]))
    np.testing.assert_allclose(order, ORDERS[integrator], atol=0.4)
    assert order[-1] == pytest.approx(ORDERS[integrator], abs=0.1)


@pytest.mark.parametrize("integrator", STAGES)
def test_trajectories_find_their_way_back(integrator, thermal):
    system, field, momentum = thermal
    there, turned = follow(system, field, momentum, splitting(integrator, 5), LENGTH / 5)
    back, _ = follow(system, there, -turned, splitting(integrator, 5), LENGTH / 5)
    assert system.theory.manifold.distance(there, field) > 0.1
    assert system.theory.manifold.distance(back, field) < 1e-10


def trace(system, algorithm, stream, draws=120):
    """Trace of a chain that has forgotten its start."""
    start = algorithm.init(system, system.theory.manifold.hot(system.lattice, stream), 0)
    state, _ = algorithm.step(system, start, stream, 100, 100, False)
    return algorithm.step(system, state, stream, draws, 1, False)[1]


@pytest.mark.parametrize("integrator", STAGES)
@pytest.mark.parametrize(
    ("theory", "extents"), [(Phi4(0.22, 0.2), (6, 4)), (U1(2.0), (4, 6)), (SUN(2, 2.0), (3, 2, 4))], ids=str
)
def test_mean_energy_change_falls_with_twice_the_order(theory, extents, integrator, judge):
    """⟨ΔH⟩ ∝ ε⁴ or ε⁸ in equilibrium, and ⟨e^{−ΔH}⟩ = 1."""
    system, order = System(theory, Lattice(extents)), ORDERS[integrator]
    coarse = {"leapfrog": 8, "omelyan": 6, "omelyan4": 3, "force_gradient": 4}[integrator]

    def sample(seed, size):
        def changes(n, chain):
            hmc = HMC(step_size=LENGTH / n, n_steps=n, integrator=integrator, jitter=0.0)
            return trace(system, hmc, Stream(seed, chain)).stats["delta_h"]

        found = np.array(
            [[changes(n, 2 * c + k) for k, n in enumerate((coarse, 2 * coarse))] for c in range(16 * size)]
        )
        # ⟨ΔH⟩ = ½⟨ΔH²⟩ to leading order, and the square has the smaller variance
        fall = np.log2((found[:, 0] ** 2).mean(axis=1) / (found[:, 1] ** 2).mean(axis=1))
        return {
            "power": mean(fall, 2 * order, tolerance=0.15 * order),
            "balance": mean(np.exp(-found).mean(axis=2), 1.0),
        }

    judge.check(sample)
