"""Criteria for correctness of complex Langevin: known tails and terms, and processes known to be right or wrong."""

import threading

import numpy as np
import pytest
from statistical import mean

from sqcli.analysis import flags
from sqcli.analysis._boundary_terms import boundary_term
from sqcli.analysis._criteria import criteria, judged_by
from sqcli.analysis._cycles import left_out, outer_share
from sqcli.analysis.drift_tail import drift_tail
from sqcli.analysis.ensemble import open_for_measuring
from sqcli.analysis.measure import measure
from sqcli.analysis.observable_series import gather
from sqcli.analysis.verify import verify
from sqcli.errors import UsageError
from sqcli.runs.generate import Request, generate
from sqcli.theories import thimble_weights, thimbles
from sqcli.theories.complex_double_well import ComplexDoubleWell
from sqcli.theories.complex_gaussian import ComplexGaussian

WELL, CHAINS, DRAWS = ("complex_double_well", {"b": "1"}), 32, 600


def columns(values):
    return list(values.reshape(8, -1))


@pytest.mark.parametrize("alpha", [0.7, 1.4, 3.0])
def test_power_laws_are_seen_with_their_exponent(alpha, judge):
    def sample(seed, size):
        random = np.random.default_rng(seed)
        found = [drift_tail(columns(random.pareto(alpha, 16000 * size) + 1)) for _ in range(40)]
        assert all(each.z > 5 for each in found)
        return mean(np.array([each.index for each in found]), 1 / alpha, tolerance=0.03 / alpha)

    judge.check(sample)


@pytest.mark.parametrize("power", [1.0, 4 / 3, 2.0])
def test_tails_that_fall_faster_are_none(power):
    """e^{−x^τ}; 4/3 is the drift of a quartic action."""
    for seed in range(40):
        tail = drift_tail(columns(np.random.default_rng(seed).weibull(power, 16000)))
        assert tail.z < 4


def test_excursions_count_once():
    """A chain that stays far out for 100 draws at a time has 400 excursions, not 40 000 independent draws."""
    random = np.random.default_rng(3)
    slow = np.repeat(random.exponential(size=(8, 400)), 100, axis=1)
    tail = drift_tail(list(slow))
    assert tail.excursions < 200
    assert tail.z < 4


def test_too_little_is_not_judged():
    assert drift_tail([np.ones(30)]) is None
    assert drift_tail([np.random.default_rng(1).exponential(size=300)]) is None
    assert drift_tail([np.zeros(9999)]) is None
    assert boundary_term([np.ones(99) + 0j], [np.ones(99)]) is None


def test_a_mean_that_comes_from_infinity_is_a_boundary_term():
    """−1 in all draws but those with Pareto tails, which make up for it; against a mean of zero from light tails."""
    random = np.random.default_rng(7)
    u = random.pareto(1.2, 400_000) + 1
    heavy = (u / 6 - 1).astype(complex)  # ⟨u⟩ = 6
    assert boundary_term(columns(heavy), columns(u)).z > 4
    light = random.exponential(size=400_000)
    assert boundary_term(columns(light - 1 + 0j), columns(light)).z < 4


@pytest.mark.parametrize("a", [-4 + 1j, -4 + 6j])
def test_shares_of_cycles(a):
    """Of draws on the thimbles themselves: 0 on that of z = 0, Σ n Z_k/Z where all count."""
    theory = ComplexDoubleWell(a, 1 + 0j)
    squares = [each.mean(lambda z: z**2) for each in thimbles(theory)]
    weights, random = thimble_weights(theory), np.random.default_rng(1)
    inner = squares[int(np.argmin([abs(each.point) for each in thimbles(theory)]))]

    def found(mean_square):
        noise = 1e-4 * (random.standard_normal((8, 500)) + 1j * random.standard_normal((8, 500)))
        return outer_share(theory, list(mean_square + noise), 0.0)

    right = found(complex(weights @ np.array(squares)))
    assert right.z < 4
    assert right.value == pytest.approx(right.expected, abs=1e-4)
    alone = found(inner)
    assert alone.z > 4
    assert abs(alone.value) < 1e-4
    assert left_out(theory) == pytest.approx(abs(weights[[abs(each.point) > 0 for each in thimbles(theory)]]).sum())


def test_no_shares_where_there_is_one_cycle_or_a_stokes_line():
    chains = [np.ones(50, complex)]
    assert outer_share(ComplexGaussian(1 + 1j), chains, 0.01) is None
    assert outer_share(ComplexDoubleWell(-4 + 0j, 1 + 0j), chains, 0.01) is None
    assert left_out(ComplexDoubleWell(-4 + 0j, 1 + 0j)) is None


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Ensembles by name, made once."""
    folder, paths = tmp_path_factory.mktemp("langevin"), {}

    def ensemble(name, theory, parameters, **algorithm):
        if name not in paths:
            said = {"step_size": "0.001", **{key: str(value) for key, value in algorithm.items()}}
            paths[name] = folder / name
            request = Request(
                path=paths[name], theory=theory, lattice=(1,), parameters=parameters, algorithm="complex_langevin",
                algorithm_parameters=said, chains=CHAINS, draws=DRAWS, warmup=2000, every=50, seed=5,
            )  # fmt: skip
            generate(request, threading.Event(), lambda _: None)
        return paths[name]

    return ensemble


def flagged(path):
    (row,) = measure(path, ["field_squared"]).estimates
    return set(row["flags"])


@pytest.mark.parametrize(
    ("a", "angle", "expected"),
    [
        ("-4+1j", 0.0, {flags.DRIFT_TAIL}),
        ("-4+10j", 0.0, {flags.DRIFT_TAIL, flags.CYCLES}),
        ("-4+5j", "auto", {flags.CYCLES, flags.MISSING_THIMBLES}),
        ("-4+6j", "auto", {flags.CYCLES, flags.MISSING_THIMBLES}),
    ],
)
def test_wrong_processes_are_not_trusted(made, a, angle, expected):
    path = made(f"{a}{angle}", "complex_double_well", {"a": a, "b": "1"}, kernel_angle=angle)
    assert expected | {flags.UNTRUSTED} <= flagged(path)
    assert verify(path).verdict == "failed"


@pytest.mark.parametrize(
    ("theory", "parameters", "algorithm"),
    [
        ("complex_double_well", {"a": "-4+10j", "b": "1"}, {"kernel_angle": "auto"}),
        ("complex_double_well", {"a": "4+2j", "b": "1"}, {}),
        ("complex_quartic", {"sigma0": "1+1j", "lambda": "1"}, {"step_size": 0.004}),
        ("complex_gaussian", {"sigma0": "1+1j"}, {"step_size": 0.004}),
    ],
    ids=str,
)
def test_right_processes_are_trusted(made, theory, parameters, algorithm):
    path = made(f"{theory}{parameters}".replace("/", ""), theory, parameters, **algorithm)
    assert flagged(path) == set()
    opened = open_for_measuring(path)
    found = {each.name for each in criteria(opened, gather(opened, judged_by(opened)), 0, 1)}
    assert {flags.DRIFT_TAIL, flags.BOUNDARY_TERM, flags.SCHWINGER_DYSON, flags.BOUND, flags.RUNAWAYS} <= found
    assert {row["component"] for row in verify(path).estimates if row["observable"] == "criterion"} == found


def test_what_is_not_analytic_is_refused_with_the_reason(made):
    path = made("circle", "complex_cosine", {"beta": "1"}, step_size=0.01)
    for name in ("mean_abs_field", "abs_magnetization", "chi2_abs", "power_spectrum"):
        with pytest.raises(UsageError, match=f"{name} is no analytic function of the field"):
            measure(path, [name])


def test_the_circle_has_a_boundary_term_and_a_power_law(made):
    path = made("circle", "complex_cosine", {"beta": "1"}, step_size=0.01)
    (row, *_) = measure(path, ["harmonics"]).estimates
    assert {flags.UNTRUSTED, flags.DRIFT_TAIL} <= set(row["flags"])


def test_a_step_that_is_seen_is_no_other_fault(made):
    """Euler obeys 2 + 2⟨zf⟩ = −ε⟨f²⟩ exactly."""
    coarse = {"step_size": 0.08, "scheme": "euler"}
    path = made("coarse", "complex_gaussian", {"sigma0": "1+1j"}, **coarse)
    assert flagged(path) == {flags.STEP_SIZE}
    (operator, _), (square,) = (measure(path, [name]).estimates for name in ("langevin_operator", "drift_squared"))
    assert operator["value"] == pytest.approx(-0.08 * square["value"], abs=5 * abs(operator["error"]))
    assert flagged(made("fine", "complex_gaussian", {"sigma0": "1+1j"}, step_size=0.08, scheme="runge-kutta")) == set()


def test_parts_that_are_rounding_do_not_deviate(made):
    """Of a Gaussian with the kernel of its thimble moments are real multiples of one complex number."""
    path = made("turned", "complex_gaussian", {"sigma0": "1+1j"}, step_size=0.004, kernel_angle="auto")
    assert verify(path).verdict == "passed"
    assert max(abs(row["z"] or 0) for row in verify(path).estimates) < 6


def test_run_aways_are_flagged(made):
    wild = {"step_size": 0.02, "scheme": "euler", "runaway": "restart"}
    path = made("wild", "complex_double_well", {"a": "-4+10j", "b": "1"}, **wild)
    assert {flags.UNTRUSTED, flags.RUNAWAYS} <= flagged(path)


def test_bounds_are_those_of_the_integrand():
    theory = ComplexDoubleWell(-4 + 6j, 1 + 0j)
    x = np.linspace(-5, 5, 200_001)
    size = np.exp(-(-4 * x**2 + x**4)) * (x[1] - x[0])
    found, partition = theory.bounds(None), np.exp(theory.log_partition(None).real)
    assert found["moments", "4"] == pytest.approx((size * x**4).sum() / partition, rel=1e-9)
    assert found["harmonics", "3"] == pytest.approx(size.sum() / partition, rel=1e-9)
    exact = theory.exact(None)
    assert all(abs(exact[key]) <= bound for key, bound in found.items())
