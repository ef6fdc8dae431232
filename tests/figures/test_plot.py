"""Figures: every kind is written, numbers in them are those of the analysis, mistakes are one line."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from statistical import estimate

from sqcli.analysis.measure import measure
from sqcli.errors import SqcliError, UsageError
from sqcli.figures import Axis, EnsemblesFigure, LabelledEnsemble, draw, kind_of, kinds, plot
from sqcli.figures._panels import real_per_draw
from sqcli.figures._propagator_modes import Modes
from sqcli.figures._style import Quantity
from sqcli.runs.generate import Request, generate
from sqcli.store import open_ensemble
from sqcli.theories import thimbles
from sqcli.theories.complex_double_well import ComplexDoubleWell

MASS2 = 0.8


FREE = Request(
    path=Path("unset"), theory="free", lattice=(6, 6), parameters={"mass2": MASS2}, algorithm="metropolis",
    chains=4, draws=400, warmup=100, every=4, seed=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    path = tmp_path_factory.mktemp("plot") / "free"
    generate(replace(FREE, path=path), threading.Event(), lambda _: None)
    return path


@pytest.fixture(scope="module")
def gauge(tmp_path_factory):
    path = tmp_path_factory.mktemp("plot") / "u1"
    request = replace(FREE, path=path, theory="u1", parameters={"beta": 1.5}, algorithm="heatbath", every=1)
    generate(request, threading.Event(), lambda _: None)
    return path


@pytest.fixture(scope="module")
def of_one_variable(tmp_path_factory):
    """Double well at two couplings, by complex Langevin."""
    paths = {1: tmp_path_factory.mktemp("plot") / "one", 10: tmp_path_factory.mktemp("plot") / "ten"}
    for imaginary, path in paths.items():
        request = replace(
            FREE, path=path, theory="complex_double_well", lattice=(1,), parameters={"a": -4 + 1j * imaginary, "b": 1},
            algorithm="complex_langevin", algorithm_parameters={"kernel_angle": "auto"}, every=20,
        )  # fmt: skip
        generate(request, threading.Event(), lambda _: None)
    return paths


@pytest.mark.parametrize("kind", kinds(EnsemblesFigure))
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_every_kind_is_written_in_every_format(ensemble, gauge, of_one_variable, tmp_path, kind, suffix):
    out = tmp_path / f"figure.{suffix}"
    subjects = {"coupling": gauge, "thimbles": of_one_variable[10], "drift": of_one_variable[1]}
    assert plot(subjects.get(kind, ensemble), kind, out).path == out
    heads = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    assert out.read_bytes().startswith(heads[suffix])
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


def test_kinds_are_known_without_what_draws_them():
    """Recipes read the options of all kinds; matplotlib and torch take longer to load than a measurement."""
    text = "import sys\nfrom sqcli.figures import kinds\nprint(kinds(), {'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{kinds()} set()\n"


def test_several_ensembles_share_a_figure(ensemble, tmp_path):
    both = [LabelledEnsemble("one", ensemble), LabelledEnsemble("two", ensemble)]
    draw(kind_of("overview")(observable="correlator[2]"), both, tmp_path / "two.png")
    assert (tmp_path / "two.png").stat().st_size > 1000


def test_a_history_shows_the_numbers_that_are_measured(ensemble):
    chains = real_per_draw(LabelledEnsemble("x", ensemble), Quantity("correlator", "1"))
    rows = {row["component"]: row["value"] for row in measure(ensemble, ["correlator"]).estimates}
    assert np.mean(chains) == pytest.approx(rows["1"])


def test_options_of_observables_reach_the_panels(ensemble, tmp_path):
    along = real_per_draw(LabelledEnsemble("x", ensemble), Quantity("correlator", "1", {"axis": "0"}))
    rows = measure(ensemble, ["correlator"], options={"axis": "0"}).estimates
    assert np.mean(along) == pytest.approx({row["component"]: row["value"] for row in rows}["1"])
    plot(ensemble, "overview", tmp_path / "x.png", observable="correlator[1]", options={"axis": "0"})
    assert len(Modes.measured(ensemble, {"largest": "1"}).p2) == 2
    with pytest.raises(UsageError, match="direction"):
        plot(ensemble, "rho", tmp_path / "y.png", observable="correlator[1]", options={"direction": "0"})


def test_modes_are_measured_at_their_momenta(ensemble):
    """p̂² = Σ 4 sin²(π n/L) of the modes (1,0), (1,1), (2,0), … of 6x6, without the zero mode."""
    n = np.array([(1, 0), (1, 1), (2, 0), (3, 0), (2, 1), (3, 1), (2, 2), (3, 2), (3, 3)])
    rising = np.sort((4 * np.sin(np.pi * n / 6) ** 2).sum(axis=1))
    assert Modes.measured(ensemble).p2 == pytest.approx(rising)


def test_the_fit_finds_the_free_propagator(tmp_path, judge):
    """1/(p² + m²); the errors are the spread over seeds."""

    def sample(seed, size):
        path = tmp_path / str(size)
        generate(replace(FREE, path=path, draws=400 * size, seed=seed), threading.Event(), lambda _: None)
        z, m2 = Modes.measured(path).fit()
        return {"z": estimate(z, 0.04 / size**0.5, 1.0), "m2": estimate(m2, 0.06 / size**0.5, MASS2)}

    judge.check(sample)


def test_the_fit_is_exact_on_exact_numbers():
    p2 = np.linspace(0.1, 4, 30)
    assert Modes(p2, 2 / (p2 + 0.3), 0.01 / (p2 + 0.3)).fit() == pytest.approx((2, 0.3))


def test_thinning_keeps_the_curve():
    p2 = np.geomspace(1e-3, 4, 4000)
    few = Modes(p2, 1 / p2, 0.1 / p2).thinned()
    assert len(few.p2) <= 60
    assert few.value == pytest.approx(1 / few.p2, rel=0.01)


@pytest.mark.parametrize(
    ("kind", "observable", "out", "said"),
    [
        ("pie", "magnetization", "x.png", "histogram, history"),
        ("phase_diagram", None, "x.png", "of a scan"),
        ("history", "magnetisation", "x.png", "did you mean"),
        ("history", "binder", "x.png", "no number per draw"),
        ("history", "correlator", "x.png", "correlator[C]"),
        ("rho", "correlator[9]", "x.png", "0, 1, 2, 3"),
        ("rho", "action", "x.gif", ".png, .pdf, .svg"),
        ("rho", "action[", "x.png", "NAME[COMPONENT]"),
    ],
)
def test_wrong_usage_is_told_in_one_line(ensemble, tmp_path, kind, observable, out, said):
    with pytest.raises(UsageError) as caught:
        plot(ensemble, kind, tmp_path / out, observable=observable)
    assert said in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(ensemble, tmp_path):
    with pytest.raises(SqcliError, match=r"none/x\.png"):
        plot(ensemble, "rho", tmp_path / "none" / "x.png", observable="action")


def test_couplings_are_those_of_gauge_fields(ensemble, gauge, tmp_path):
    both = [LabelledEnsemble("one", gauge), LabelledEnsemble("two", gauge)]
    draw(kind_of("coupling")(), both, tmp_path / "two.png")
    with pytest.raises(UsageError, match="coupling is a figure of gauge fields, not of free"):
        plot(ensemble, "coupling", tmp_path / "free.png")


def test_estimates_stand_over_the_parameter_that_differs(ensemble, of_one_variable, tmp_path):
    both = [LabelledEnsemble(f"kernel/a=-4+{imaginary}j", path) for imaginary, path in of_one_variable.items()]
    drawn = {}
    for x in (None, "im(a)", "re(a)"):
        draw(kind_of("dependence")(observable="field_squared", x=x), both, tmp_path / "a.png")
        drawn[x] = (tmp_path / "a.png").read_bytes()
    assert drawn[None] == drawn["im(a)"] != drawn["re(a)"]
    for x, told in (("a", r"re\(a\) or im\(a\)"), ("im(c)", "no parameter 'c'; there are: a, b")):
        with pytest.raises(UsageError, match=told):
            draw(kind_of("dependence")(observable="field_squared", x=x), both, tmp_path / "a.png")
    plot(ensemble, "dependence", tmp_path / "free.png", observable="field_squared", x="mass2")


def test_axes_are_parameters_or_their_parts():
    points = [{"a": "-4+1j", "b": 1}, {"a": "-4+2j", "b": 1.0}]
    assert Axis.differing(points) == Axis("a", "im")
    assert Axis.differing(points[:1]) == Axis("a", "im")
    assert Axis.differing([{"kappa": 1, "lambda": 2}, {"kappa": 1, "lambda": 3}]).label == r"$\lambda$"
    assert [Axis.parse(f"{part}(a)").value(points[0]) for part in ("re", "im")] == [-4, 1]
    assert Axis.parse("re(a)").moved(points[0], 3.0) == {"a": 3 + 1j, "b": 1}
    assert Axis.parse("b").moved(points[0], 3.0) == {"a": "-4+1j", "b": 3}


def test_thimbles_are_those_of_one_theory(ensemble, of_one_variable, tmp_path):
    both = [LabelledEnsemble("one", of_one_variable[1]), LabelledEnsemble("again", of_one_variable[1])]
    central, *others = draw(kind_of("thimbles")(), both, tmp_path / "two.png")
    assert central == "thimble of z = 0+0j: n = 1, n Z_k/Z = 0.01418+0.005555j, <z^2> = -0.1049-0.02051j"
    assert all("n = 1, n Z_k/Z = 0.4929-0.002778j, <z^2> = 1.873-0.5567j" in line for line in others)
    with pytest.raises(UsageError, match="other parameters"):
        draw(
            kind_of("thimbles")(),
            [LabelledEnsemble(str(key), path) for key, path in of_one_variable.items()],
            tmp_path / "three.png",
        )
    with pytest.raises(UsageError, match="thimbles is a figure of theories of one complex variable, not of"):
        plot(ensemble, "thimbles", tmp_path / "free.png")


def test_the_drift_is_that_of_complex_langevin(ensemble, of_one_variable, tmp_path):
    (line,) = draw(kind_of("drift")(), [LabelledEnsemble("one", of_one_variable[1])], tmp_path / "one.png")
    assert line in ("one: too few draws to judge", "one: P(|drift| > x) falls faster than a power")
    with pytest.raises(UsageError, match="drift is a figure of complex Langevin"):
        plot(ensemble, "drift", tmp_path / "free.png")


def test_a_kernel_keeps_the_draws_on_the_thimble_of_zero(of_one_variable):
    """Farther than 0.3 from it there are none, and the other critical points are 1.4 away."""
    opened = open_ensemble(of_one_variable[1])
    z = np.concatenate([opened.fields(chain).ravel() for chain in range(opened.chains)])
    curve = thimbles(ComplexDoubleWell(-4 + 1j, 1))[0].curve
    assert np.abs(z[:, None] - curve).min(axis=1).max() < 0.3
