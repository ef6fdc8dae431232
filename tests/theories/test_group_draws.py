"""Independent configurations of two-dimensional U(N) and SU(N): loops, lines, charge, identities, gauge, batches."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from statistical import estimate, mean, reported

from sqcli import open_ensemble
from sqcli.analysis import flags
from sqcli.analysis.measure import measure
from sqcli.analysis.verify import verify
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System
from sqcli.mcmc.exact import Exact
from sqcli.observables import LatticeTheory
from sqcli.observables.polyakov_loop import PolyakovLoop
from sqcli.observables.wilson_loop import WilsonLoop
from sqcli.runs.generate import Request, generate
from sqcli.theories import _class_sums
from sqcli.theories._characters import coefficients
from sqcli.theories._two_dimensions import charge_squared
from sqcli.theories.sun import SUN
from sqcli.theories.un import UN

DRAWN = [
    (SUN(2, 0.0), (2, 3)), (SUN(2, 0.8), (4, 3)), (SUN(2, 2.5), (4, 6)), (SUN(2, 12.0), (5, 4)),
    (SUN(2, -3.0), (3, 3)), (SUN(2, 400.0), (2, 2)),
    (SUN(3, 0.0), (3, 2)), (SUN(3, 2.0), (2, 2)), (SUN(3, 6.0), (3, 4)), (SUN(3, 25.0), (4, 5)), (SUN(3, -5.0), (3, 3)),
    (SUN(3, -60.0), (2, 3)),
    (UN(2, 0.0), (2, 3)), (UN(2, 1.5), (4, 3)), (UN(2, 4.0), (6, 6)), (UN(2, 12.0), (4, 6)), (UN(2, -3.0), (3, 3)),
    (UN(1, 1.0), (2, 3)), (UN(1, 8.0), (5, 4)), (UN(1, -2.0), (3, 3)), (UN(3, 4.0), (3, 2)),
]  # fmt: skip


def draws(theory, extents, count, seed):
    """Links (count, 2, *extents, N, N)."""
    lattice = Lattice(extents)
    normals = np.random.default_rng(seed).standard_normal((count, theory.manifold.components(lattice) * lattice.volume))
    return theory.independent(normals, lattice)


def wound(theory, volume):
    """⟨|tr P/N|²⟩ of a closed line of one extent, of the torus of V plaquettes: Σ_r c_r^V Σ_{s in r ⊗ f} 1/(N² Z)."""
    table = coefficients(theory.n, theory.special, theory.beta, volume)
    powers = table.normalised**volume
    rows = {tuple(weight): k for k, weight in enumerate(table.weights.tolist())}
    total = 0.0
    for weight, k in rows.items():
        boxes = sum(i == 0 or weight[i - 1] > length for i, length in enumerate(weight))
        total += boxes * powers[k].sum()
    return total / powers.sum() / theory.n**2


@pytest.mark.parametrize(("theory", "extents"), DRAWN, ids=str)
def test_draws_have_the_exact_means(theory, extents, judge):
    lattice = Lattice(extents)
    exact, known = theory.exact(lattice), LatticeTheory.of(theory, lattice)

    def sample(seed, size):
        links = draws(theory, extents, (400 if theory.n == 3 else 1000) * size, seed)
        squares = links @ links.conj().swapaxes(-1, -2)
        assert np.abs(squares - np.eye(theory.n)).max() < 1e-14
        if theory.special:
            assert np.abs(np.linalg.det(links) - 1).max() < 1e-14
        plaquettes = next(theory.plaquettes(links, lattice))
        traces = np.trace(plaquettes, axis1=-2, axis2=-1).real / theory.n
        expected = exact["plaquette", None]
        found = {"corners": mean(traces[:, [0, 0, -1, -1], [0, -1, 0, -1]], expected)}
        columns = WilsonLoop().series(links, known)
        labels = WilsonLoop().components(known)
        free = [k for k, label in enumerate(labels) if columns[:, k].std() > 1e-10]  # U(1): one of all plaquettes is 1
        found["loops"] = mean(columns[:, free], np.array([exact["wilson_loop", labels[k]] for k in free]))
        for axis in (0, 1):
            lines = PolyakovLoop(axis=axis).traces(links, known)
            found[f"line {axis}"] = mean(
                (np.abs(lines) ** 2).mean(axis=1), wound(theory, lattice.volume), tolerance=1e-12
            )
        for name, residual in theory.identities(links, lattice).items():
            found[name] = mean(residual, 0)
        if not theory.special and lattice.volume > 2:
            charge = np.angle(np.linalg.det(plaquettes)).sum(axis=(1, 2)) / (2 * np.pi)
            square = charge_squared(theory.n, theory.beta, lattice.volume).value
            if square * len(charge) > 100:
                found["charge"], found["charge squared"] = mean(charge, 0), mean(charge**2, square)
        return found

    judge.check(sample)


@pytest.mark.parametrize("theory", [SUN(2, 5.0), SUN(3, 7.0), UN(2, 4.0)], ids=str)
def test_gauges_and_closed_lines_are_uniform(theory, judge):
    """Moments of single links, and of products that no gauge leaves alone, are those of Haar's measure."""
    n = theory.n

    def sample(seed, size):
        links = draws(theory, (3, 4), 2000 * size, seed)
        chosen = np.stack([links[:, 0, 0, 0], links[:, 1, -1, -1], links[:, 0, 2, 1], links[:, 1, 1, 3]], 1)
        chosen = np.concatenate([chosen, chosen[:, :1] @ chosen[:, 1:2]], axis=1)
        trace = np.trace(chosen, axis1=-2, axis2=-1)
        entries = np.abs(chosen) ** 2
        moments = {
            "re": mean(trace.real, 0), "im": mean(trace.imag, 0), "abs2": mean(np.abs(trace) ** 2, 1),
            "entries": mean(entries.reshape(len(entries), -1), 1 / n),
            "fourth": mean((entries**2).reshape(len(entries), -1), 2 / (n * (n + 1))),
        }  # fmt: skip
        if n == 2 and theory.special:
            del moments["im"]  # traces are real
            moments["abs4"] = mean(np.abs(trace) ** 4, 2)
        if n == 3:
            moments["cube"] = mean((trace**3).real, 1)
        return moments

    judge.check(sample)


@pytest.mark.parametrize("theory", [SUN(2, 2.0), SUN(3, 9.0), UN(2, 5.0), UN(1, 2.0)], ids=str)
def test_a_draw_does_not_depend_on_its_batch(theory, rng):
    lattice = Lattice((3, 4))
    normals = rng.standard_normal((7, theory.manifold.components(lattice) * lattice.volume))
    together = theory.independent(normals, lattice)
    for ends in pairwise((0, 1, 3, 7)):
        np.testing.assert_array_equal(theory.independent(normals[slice(*ends)], lattice), together[slice(*ends)])
    assert theory.independent(normals[:0], lattice).shape == (0, *theory.manifold.site(lattice))


@pytest.mark.parametrize(
    "theory",
    [SUN(2, 2.0), SUN(2, -4.0), SUN(2, 200.0), SUN(3, 1.0), SUN(3, 9.0), SUN(3, -9.0), SUN(3, -40.0), UN(2, 5.0)],
    ids=str,
)
def test_no_state_returns_more_often_than_the_bound_says(theory, rng):
    """Walks are kept with the probability T_k/bound."""
    n, special = theory.n, theory.special
    table = _class_sums.sums(n, special, theory.beta, 16)
    ladder, turns, row = (
        np.empty(s, complex) for s in ((n, table.longest), table.powers.shape[2], table.powers.shape[2])
    )
    base = np.empty(len(table.exponents), complex)
    coefficients_of = (n, table.exponents, table.powers, table.first, table.last, table.origin, ladder, turns)
    for _ in range(6):
        angles = rng.uniform(-np.pi, np.pi, n)
        angles[-1] -= angles.sum() if special else 0
        _class_sums.remembered(angles, n, table.exponents, table.origin, ladder, turns, base, row)
        for level, k in enumerate(table.remaining):
            width = min(0.5, 0.5 * np.sqrt(k / (1 + abs(theory.beta) / n)))
            bound = _class_sums.largest(
                level, width, theory.beta < 0, angles, base, row, n, special, *coefficients_of[1:], np.empty((2, n))
            )
            for scale in (width, 3.0):
                for _ in range(6):
                    there = angles + scale * rng.standard_normal(n)
                    there[-1] -= there.sum() - angles.sum() if special else 0
                    value = _class_sums.returning(level, there, base, row, *coefficients_of)
                    climbed = _class_sums.climbed(
                        level, width, there, np.empty(n), base, row, n, special, *coefficients_of[1:]
                    )
                    assert -1e-9 * bound < value <= climbed <= bound


@pytest.mark.parametrize(
    ("theory", "extents", "words"),
    [
        (SUN(2, 2.0), (3, 3, 3), "two dimensions only"), (UN(2, 2.0), (2, 2, 2, 2), "two dimensions only"),
        (SUN(4, 2.0), (4, 4), "N <= 3"), (SUN(3, 1e5), (4, 4), "beta"), (UN(2, -1e7), (4, 4), "beta"),
    ],
    ids=str,
)  # fmt: skip
def test_refusals(theory, extents, words):
    with pytest.raises(UsageError, match=words):
        Exact().check(System(theory, Lattice(extents)), 0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exact_chains_are_those_draws(dtype):
    system, algorithm = System(SUN(2, 2.0), Lattice((3, 4)), dtype), Exact()
    algorithm.check(system, 0)
    start = algorithm.init(system, system.theory.manifold.cold(system.lattice), 0)
    end, trace = algorithm.step(system, start, Stream(5, 0), 6, 2, False)
    assert trace.fields.dtype == end.field.dtype == {"float64": np.complex128, "float32": np.complex64}[dtype]
    np.testing.assert_array_equal(trace.fields[-1], end.field)
    later, rest = algorithm.step(
        system, algorithm.step(system, start, Stream(5, 0), 2, 2, False)[0], Stream(5, 0), 4, 2, False
    )
    np.testing.assert_array_equal(rest.fields, trace.fields[1:])
    np.testing.assert_array_equal(later.field, end.field)


def test_the_trivial_group_is_drawn(tmp_path):
    values = {"n": 1, "beta": 2.0}
    request = Request(
        tmp_path / "e", theory="sun", lattice=(3, 2), parameters=values, algorithm="exact", seed=1, chains=1, draws=4,
        warmup=0, workers=1,
    )  # fmt: skip
    generate(request, threading.Event(), lambda _: None)
    assert (open_ensemble(tmp_path / "e")["u"][0] == 1).all()


def ensemble(path, theory, extents, seed, **options):
    """An ensemble in four chains."""
    given = {"chains": 4, "draws": 250, "warmup": 0, "algorithm": "exact"} | options
    values = {"n": theory.n, "beta": theory.beta}
    request = Request(path, theory="un", lattice=extents, parameters=values, seed=seed, workers=1, **given)
    generate(request, threading.Event(), lambda _: None)
    return path


def test_charges_are_measured_and_verified(tmp_path, judge):
    def sample(seed, size):
        path = ensemble(tmp_path / str(size), UN(2, 4.0), (6, 6), seed, draws=250 * size)
        report = verify(path)
        assert report.passed, report.sentence()
        assert "topological_susceptibility" in {row["observable"] for row in report.estimates}
        assert UN(2, 4.0).exact(Lattice((6, 6)))["topological_susceptibility", None] == pytest.approx(
            0.0481207, rel=2e-6
        )
        (row,) = measure(path, ["topological_susceptibility"]).estimates
        assert not row["flags"]
        return reported(row, 0.0481207, tolerance=1e-7)

    judge.check(sample)


def test_a_frozen_charge_is_seen(tmp_path):
    path = ensemble(tmp_path / "e", UN(2, 40.0), (8, 8), 3, algorithm="hmc", warmup=100, start="cold")
    (row,) = measure(path, ["topological_susceptibility"]).estimates
    assert flags.FROZEN_CHARGE in row["flags"]
    assert not verify(path).passed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theory", "extents"), [(SUN(2, 2.0), (16, 16)), (SUN(3, 6.0), (16, 16)), (UN(2, 4.0), (16, 12))], ids=str
)
def test_every_plaquette_of_a_larger_torus(theory, extents, judge):
    lattice = Lattice(extents)
    expected = theory.exact(lattice)["plaquette", None]

    def sample(seed, size):
        links = draws(theory, extents, 1000 * size, seed)
        traces = np.trace(next(theory.plaquettes(links, lattice)), axis1=-2, axis2=-1).real / theory.n
        return {"each": mean(traces, expected), "mean": mean(traces.mean(axis=(1, 2)), expected)}

    judge.check(sample)


def test_huge_couplings_are_gaussian(judge):
    """(V dim G − rank G)/2 modes share β Σ (1 − Re tr U/N), up to corrections of 1/β."""
    theory, extents = SUN(2, 1e3), (3, 4)

    def sample(seed, size):
        action = theory.action(draws(theory, extents, 500 * size, seed), Lattice(extents))
        found = (12 * 3 - 1) / 2
        return {
            "mean": mean(action, found, tolerance=5e-3),
            "spread": estimate(action.var() / found, np.sqrt(2 / len(action)) * 1.3, 1),
        }

    judge.check(sample)
