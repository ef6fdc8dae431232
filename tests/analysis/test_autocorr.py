"""Autocorrelation reports against AR(1) series whose τ_int is known, laid into ensembles."""

import functools
import json

import numpy as np
import pytest
from drawn import free_fields, write
from statistical import estimate, time

from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.measure import measure
from sqcli.analysis.verify import verify
from sqcli.cli.rendering import as_json
from sqcli.errors import SqcliError

KEYS = {"observable", "component", "tau_int", "tau_int_error", "tau_int_trajectories", "window", "s", "rho"}
KEYS |= {"rho_error", "tau_exp", "ess", "rhat", "flags"}
TAU = 4.0
DECAY = (2 * TAU - 1) / (2 * TAU + 1)


@pytest.fixture(scope="module")
def correlated(tmp_path_factory, seed_for):
    """Ensembles whose every site follows AR(1) with τ_int = 4: two chains of size · 8000 draws, every third update."""
    folder = tmp_path_factory.mktemp("a")

    @functools.cache
    def made(size):
        draws = 8000 * size
        noise = np.random.default_rng(seed_for(f"correlated {size}")).standard_normal((2, draws, 2, 2))
        noise[:, 1:] *= np.sqrt(1 - DECAY**2)
        for draw in range(1, draws):
            noise[:, draw] += DECAY * noise[:, draw - 1]
        return write(folder / str(size), noise, every=3)

    return made


def rows(report):
    return {(row["observable"], row["component"]): row for row in report.envelope()["estimates"]}


def test_known_autocorrelation(correlated, judge):
    def sample(_, size):
        row = rows(autocorr(correlated(size), ["magnetization"]))["magnetization", None]
        assert set(row) == KEYS
        assert row["tau_int_error"] < 0.5
        assert row["tau_int_trajectories"] == pytest.approx(3 * row["tau_int"])
        assert row["rho"][0] == 1
        assert row["flags"] == []
        assert row["ess"] == pytest.approx(16000 * size / (2 * row["tau_int"]), rel=0.01)
        return {
            "tau_int": time(row["tau_int"], row["tau_int_error"], TAU),
            "tau_exp": estimate(np.log(-row["tau_exp"] * np.log(DECAY)), 0.11 / np.sqrt(size), 0.0, dof=10),
            "rho": estimate(np.array(row["rho"][1:10]), np.array(row["rho_error"][1:10]), DECAY ** np.arange(1, 10)),
        }

    judge.check(sample)


@pytest.mark.parametrize(("name", "power"), [("chi2", 2), ("binder", 4)])
def test_the_linearised_series_decides(correlated, name, power, judge):
    """Of a Gaussian M, χ₂ fluctuates as the Hermite polynomial He₂(M), U_L as He₄(M), whose ρ are ρ_M² and ρ_M⁴."""

    def sample(_, size):
        row = rows(autocorr(correlated(size), [name]))[name, None]
        measured = measure(correlated(size), [name]).estimates[0]["tau_int"]
        assert row["tau_int"] == pytest.approx(measured, rel=1e-6)
        return time(row["tau_int"], row["tau_int_error"], 0.5 + DECAY**power / (1 - DECAY**power))

    judge.check(sample)


def test_stride_changes_the_unit(correlated, judge):
    def sample(_, size):
        row = rows(autocorr(correlated(size), ["magnetization"], stride=4, skip=8))["magnetization", None]
        assert row["tau_int_trajectories"] == pytest.approx(12 * row["tau_int"])
        return time(row["tau_int"], row["tau_int_error"], 0.5 + DECAY**4 / (1 - DECAY**4))

    judge.check(sample)


def test_window_s_and_tail_are_passed_on(correlated):
    fixed = rows(autocorr(correlated(1), ["magnetization"], window=3, s=2.0))["magnetization", None]
    assert (fixed["window"], fixed["s"]) == (3, 2.0)
    given = rows(autocorr(correlated(1), ["magnetization"], tau_exp=5.0))["magnetization", None]
    assert given["tau_exp"] == 5.0


def test_components_are_those_of_measure(tmp_path):
    path = write(tmp_path / "e", free_fields((4, 6), 0.5, 2, 100, seed=2))
    names = ["correlator", "correlator_connected", "cumulants", "correlation_length", "power_spectrum"]
    measured = [(row["observable"], row["component"]) for row in measure(path, names).estimates]
    report = autocorr(path, names)
    assert list(rows(report)) == measured
    assert json.loads(as_json(report.envelope()), parse_constant=pytest.fail)


def test_short_chains_say_nothing(tmp_path):
    path = write(tmp_path / "e", free_fields((4, 4), 0.5, 3, 1, seed=2), start="cold")
    row = rows(autocorr(path, ["binder"]))["binder", None]
    assert row["tau_int"] is None
    assert row["tau_int_trajectories"] is None
    assert "one_draw_per_chain" in row["flags"]


@pytest.mark.parametrize("skip", [3, 5, 9])
@pytest.mark.parametrize("command", [lambda *a, **k: measure(*a, ["binder"], **k), verify])
def test_nothing_left_to_analyse(tmp_path, skip, command):
    """Also where only the shortest chain is used up: it must not drop out silently."""
    fields = [free_fields((4, 4), 0.5, 1, n, seed=n)[0] for n in (9, 3, 9)]
    path = write(tmp_path / "e", fields)
    with pytest.raises(SqcliError, match=f"--skip {skip} leaves no draw of chain 1, which has 3"):
        command(path, skip=skip)
    with pytest.raises(SqcliError, match="leaves no draw"):
        autocorr(path, ["binder"], skip=skip, stride=2)


def test_a_constant_series_is_called_constant(tmp_path):
    path = write(tmp_path / "e", np.full((2, 50, 4, 4), 1.1))
    for row in autocorr(path, ["magnetization", "chi2_abs"]).estimates:
        assert "constant" in row["flags"]
