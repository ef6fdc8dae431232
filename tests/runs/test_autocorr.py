"""Autocorrelation reports against AR(1) series whose τ_int is known, laid into ensembles."""

import json

import numpy as np
import pytest
from drawn import free_fields, write

from sqcli.cli._format import as_json
from sqcli.runs.autocorr import autocorr
from sqcli.runs.measure import measure

KEYS = {"observable", "component", "tau_int", "tau_int_error", "tau_int_trajectories", "window", "s", "rho"}
KEYS |= {"rho_error", "tau_exp", "ess", "rhat", "flags"}
TAU = 4.0
DECAY = (2 * TAU - 1) / (2 * TAU + 1)


@pytest.fixture(scope="module")
def correlated(tmp_path_factory):
    """Fields whose every site follows AR(1) with τ_int = 4, two chains of 8000 draws, saved every third update."""
    noise = np.random.default_rng(11).standard_normal((2, 8000, 2, 2))
    noise[:, 1:] *= np.sqrt(1 - DECAY**2)
    for draw in range(1, 8000):
        noise[:, draw] += DECAY * noise[:, draw - 1]
    return write(tmp_path_factory.mktemp("a") / "e", noise, every=3)


def rows(report):
    return {(row["observable"], row["component"]): row for row in report.envelope()["estimates"]}


def test_known_autocorrelation(correlated):
    row = rows(autocorr(correlated, ["magnetization"]))["magnetization", None]
    assert set(row) == KEYS
    assert abs(row["tau_int"] - TAU) < 4 * row["tau_int_error"] < 2
    assert row["tau_int_trajectories"] == pytest.approx(3 * row["tau_int"])
    assert abs(row["tau_exp"] + 1 / np.log(DECAY)) < 1
    assert row["rho"][0] == 1
    shown = slice(1, 10)
    expected = DECAY ** np.arange(len(row["rho"]))
    assert (np.abs(np.array(row["rho"]) - expected)[shown] < 4 * np.array(row["rho_error"])[shown]).all()
    assert row["flags"] == []
    assert abs(row["ess"] - 16000 / (2 * TAU)) < 400


@pytest.mark.parametrize(("name", "power"), [("chi2", 2), ("binder", 4)])
def test_the_linearised_series_decides(correlated, name, power):
    """Of a Gaussian M, χ₂ fluctuates as the Hermite polynomial He₂(M), U_L as He₄(M), whose ρ are ρ_M² and ρ_M⁴."""
    expected = 0.5 + DECAY**power / (1 - DECAY**power)
    row = rows(autocorr(correlated, [name]))[name, None]
    assert abs(row["tau_int"] - expected) < 4 * row["tau_int_error"]
    assert row["tau_int"] == pytest.approx(measure(correlated, [name]).estimates[0]["tau_int"], rel=1e-6)


def test_stride_changes_the_unit(correlated):
    row = rows(autocorr(correlated, ["magnetization"], stride=4, skip=8))["magnetization", None]
    expected = 0.5 + DECAY**4 / (1 - DECAY**4)
    assert abs(row["tau_int"] - expected) < 4 * row["tau_int_error"]
    assert row["tau_int_trajectories"] == pytest.approx(12 * row["tau_int"])


def test_window_s_and_tail_are_passed_on(correlated):
    fixed = rows(autocorr(correlated, ["magnetization"], window=3, s=2.0))["magnetization", None]
    assert (fixed["window"], fixed["s"]) == (3, 2.0)
    given = rows(autocorr(correlated, ["magnetization"], tau_exp=5.0))["magnetization", None]
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


def test_nothing_left_to_analyse(tmp_path):
    path = write(tmp_path / "e", free_fields((4, 4), 0.5, 3, 5, seed=2))
    row = rows(autocorr(path, ["binder"], skip=9))["binder", None]
    assert row["rho"] == []
    assert "no_data" in row["flags"]


def test_a_constant_series_is_called_constant(tmp_path):
    path = write(tmp_path / "e", np.full((2, 50, 4, 4), 1.1))
    for row in autocorr(path, ["magnetization", "chi2_abs"]).estimates:
        assert "constant" in row["flags"]
