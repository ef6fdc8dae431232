"""The flag of a frozen charge: given where sectors are missed, not where they have no weight or are visited."""

import numpy as np
import pytest
from drawn import write
from torus import links_of, torus_draws

from sqcli.analysis import flags
from sqcli.analysis._frozen_charge import frozen
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.measure import measure
from sqcli.analysis.verify import verify
from sqcli.lattice.geometry import Lattice
from sqcli.theories.u1 import U1

TOUCHED = ("topological_charge", "topological_susceptibility")
LOOPS = ("plaquette", "wilson_loop", "polyakov_loop", "creutz_ratio")


def square(beta, length):
    return U1(float(beta)).charge_squared(Lattice((length, length)))


def walk(rate, chains, draws, seed=1):
    """Charges of chains that go up or down with probability `rate`, pulled back to zero."""
    rng = np.random.default_rng(seed)
    charge, found = np.zeros(chains), []
    for _ in range(draws):
        step = np.where(rng.random(chains) < rate, rng.choice([-1, 1], chains), 0)
        charge = np.where(np.abs(charge + step) <= 2, charge + step, charge)
        found.append(charge)
    return list(np.array(found).T)


CASES = [
    ("all in one sector", [np.zeros(500)] * 4, square(7, 16), True),
    ("each in a sector of its own", [np.full(500, q) for q in (0.0, 1.0, -2.0, 0.0)], square(12, 4), True),
    ("all in a sector that has no weight", [np.full(500, -1.0)] * 4, square(12, 4), True),
    ("few changes of each chain", walk(0.005, 4, 1000), square(7, 16), True),
    ("one chain that never moves", [np.full(300, 1.0)], square(5, 16), True),
    ("no other sector has weight", [np.zeros(5000)] * 4, square(12, 4), False),
    ("one excursion where sectors are rare", [np.arange(5000.0) == 7, *[np.zeros(5000)] * 3], square(12, 4), False),
    ("slow and long", walk(0.05, 4, 1000), square(7, 16), False),
    ("independent draws", walk(1.0, 4, 20), 1.0, False),
    ("independent short chains", walk(1.0, 100, 3), 1.0, False),
    ("chains of one draw", [np.zeros(1)] * 400, 1.0, False),
    ("no draws", [np.zeros(0)] * 4, 1.0, False),
    ("too few draws to miss a change", [np.zeros(10)], 1.0, False),
]


@pytest.mark.parametrize(("charges", "expected", "said"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_frozen(charges, expected, said):
    assert frozen(charges, expected) is said


@pytest.mark.parametrize("beta", [2.0, 4.0, 7.0])
def test_independent_draws_of_the_right_law_are_never_frozen(beta):
    links, weight = torus_draws(beta, (3, 4), 4000, 3)
    rng = np.random.default_rng(4)
    drawn = links[rng.choice(len(links), 2000, p=weight / weight.sum())]
    theory, lattice = U1(beta), Lattice((3, 4))
    assert not frozen(list(theory.charge(drawn, lattice).reshape(4, 500)), theory.charge_squared(lattice))


@pytest.fixture
def in_sectors(tmp_path):
    """Three chains of 200 draws on 4x6, with charges 0, 1 and 0 and field strengths that fluctuate."""

    def make(charges, beta):
        noise = np.random.default_rng(1).normal(0, 0.2, (3, 200, 4, 6))
        noise -= noise.mean(axis=(2, 3), keepdims=True)
        plaquettes = noise + 2 * np.pi * np.array(charges)[:, :, None, None] / 24
        links = links_of(plaquettes.reshape(-1, 4, 6)).reshape(3, 200, 2, 4, 6)
        return write(tmp_path / "e", links, "u1", {"beta": beta}, field="theta")

    return make


def test_estimates_of_a_frozen_charge_say_so(in_sectors):
    path = in_sectors(np.repeat([[0], [1], [0]], 200, axis=1), 5.0)
    for function in (measure, autocorr):
        rows = {row["observable"]: row["flags"] for row in function(path, [*TOUCHED, *LOOPS]).estimates}
        assert all(flags.FROZEN_CHARGE in rows[name] for name in (*TOUCHED, *LOOPS))
        (row,) = function(path, ["plaquette"]).estimates
        assert flags.FROZEN_CHARGE in row["flags"]
    (row,) = (row for row in verify(path).estimates if row["observable"] == "topological_susceptibility")
    assert flags.FROZEN_CHARGE in row["flags"]
    assert flags.FROZEN_CHARGE not in measure(path, ["topological_charge"], skip=190).estimates[0]["flags"]


def test_a_charge_that_moves_is_not_flagged(in_sectors):
    path = in_sectors(np.random.default_rng(2).integers(-1, 2, (3, 200)), 5.0)
    charge, susceptibility = measure(path, TOUCHED).estimates
    assert not any(flags.FROZEN_CHARGE in row["flags"] for row in measure(path, LOOPS).estimates)
    assert flags.FROZEN_CHARGE not in (*charge["flags"], *susceptibility["flags"])
    assert abs(charge["value"]) < 5 * charge["error"]
    assert susceptibility["value"] == pytest.approx(2 / 3 / 24, rel=0.2)


def test_a_sector_without_neighbours_is_no_frozen_one(in_sectors):
    path = in_sectors(np.zeros((3, 200), int), 40.0)
    assert not any(flags.FROZEN_CHARGE in row["flags"] for row in measure(path, TOUCHED).estimates)
