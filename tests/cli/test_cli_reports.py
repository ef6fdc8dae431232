"""`measure`, `autocorr` and `verify` translate options and print what the library returns."""

import csv
import json

import pytest

from sqcli.analysis._verdicts import WEIGHTS
from sqcli.analysis.verify import Verdict

BINDER = {"observable": "binder", "component": None, "value": 0.47112, "error": 0.0023, "tau_int": 0.5}
BINDER |= {"tau_int_error": 0.1, "ess": 100.0, "error_method": "gamma", "weighted": False, "flags": ["not_mixed"]}
RHO = {"observable": "binder", "component": None, "tau_int": 0.5, "tau_int_error": 0.1, "tau_int_trajectories": 5.0}
RHO |= {
    "window": 3,
    "s": 1.5,
    "rho": [1.0, 0.25],
    "rho_error": [0.0, 0.1],
    "tau_exp": None,
    "ess": 10.0,
    "rhat": 1.0,
    "flags": [],
}
CHECKED = {"observable": "identity", "component": None, "value": 0.1, "error": 0.1, "reference": 0.0, "z": 1.0}
CHECKED |= {"passed": True, "reason": None, "flags": []}
MODULES = {"measure": BINDER, "autocorr": RHO, "verify": CHECKED}


@pytest.fixture
def record(fake, report):
    """Replace the library function of a command by one that reports given estimates; the calls it gets."""

    def replace(command, *estimates):
        calls = []

        def function(*positional, **named):
            calls.append((positional, named))
            shown = report(*estimates)
            return shown if command != "verify" else Verdict(shown.envelope(), shown.estimates)

        fake(f"sqcli.analysis.{command}", **{command: function})
        return calls

    return replace


def options(command):
    return [command, "e"] if command == "verify" else [command, "e", "--obs", "binder"]


def test_measure_hands_over_its_options(sq, record):
    calls = record("measure", BINDER)
    given = ["--obs", "binder", "--obs", "wilson_loop", "--skip", "3", "--stride", "2", "--sizes", "1x1,2x2"]
    assert sq("measure", "e", *given).code == 0
    ((path, names), named) = calls[0]
    assert (str(path), list(names)) == ("e", ["binder", "wilson_loop"])
    assert named["progress"](1, 2) is None
    assert named == {
        "skip": 3,
        "stride": 2,
        "options": {"sizes": "1x1,2x2"},
        "unweighted": False,
        "progress": named["progress"],
    }


def test_autocorr_hands_over_its_options(sq, record):
    calls = record("autocorr", RHO, RHO)
    assert sq("autocorr", "e", "--obs", "binder").code == 0
    assert sq("autocorr", "e", "--obs", "binder", "--window", "7", "--s", "2", "--tau-exp", "4.5").code == 0
    default = {"window": "auto", "s": 1.5, "tau_exp": None, "skip": 0, "stride": 1, "options": {}}
    assert [named for _, named in calls] == [default, default | {"window": 7, "s": 2.0, "tau_exp": 4.5}]


@pytest.mark.parametrize("command", MODULES)
def test_json_is_the_envelope_and_stdout_holds_nothing_else(command, sq, record):
    record(command, MODULES[command])
    result = sq(*options(command), "--format", "json")
    read = json.loads(result.out)
    assert result.code == 0
    assert set(read) == {"ensemble", "theory", "parameters", "lattice", "chains", "draws", "estimates"}
    assert read["estimates"] == [MODULES[command]]


@pytest.mark.parametrize("command", ["measure", "autocorr"])
def test_options_of_observables_are_handed_over_and_shown(command, sq, record):
    row = {"observable": "correlator", "component": "3", "options": {"axis": 0, "sizes": "1x1,2x2"}}
    calls = record(command, MODULES[command], MODULES[command] | row)
    given = [command, "e", "--obs", "correlator", "-o", "axis=0", "--option", "sizes=1x1,2x2"]
    assert json.loads(sq(*given, "--format", "json").out)["estimates"][1]["options"] == row["options"]
    assert calls[0][1]["options"] == {"axis": "0", "sizes": "1x1,2x2"}
    plain, shown = csv.DictReader(sq(*given, "--format", "csv").out.splitlines())
    assert (plain["options"], shown["options"], shown["component"]) == ("", "axis=0, sizes=1x1,2x2", "3")
    assert "correlator(axis=0, sizes=1x1,2x2)[3]  " in sq(*given).out


def test_sizes_are_an_option_of_observables(sq, record):
    calls = record("measure", BINDER)
    assert sq("measure", "e", "--obs", "wilson_loop", "--sizes", "1x1", "-o", "sizes=1x1").code == 0
    assert calls[0][1]["options"] == {"sizes": "1x1"}
    result = sq("measure", "e", "--obs", "wilson_loop", "--sizes", "1x1", "-o", "sizes=2x2")
    assert (result.code, len(calls)) == (2, 1)
    assert "-o sizes is given twice: 2x2 and 1x1" in result.err


@pytest.mark.parametrize("command", ["measure", "autocorr"])
@pytest.mark.parametrize(("given", "word"), [("axis", "NAME=VALUE"), ("=3", "NAME=VALUE"), ("axis=", "NAME=VALUE")])
def test_options_are_pairs(command, given, word, sq, record):
    record(command, MODULES[command])
    result = sq(command, "e", "--obs", "correlator", "-o", given)
    assert result.code == 2
    assert word in result.err


@pytest.mark.parametrize("command", MODULES)
def test_csv_has_a_line_per_estimate(command, sq, record):
    record(command, MODULES[command], MODULES[command])
    first, second = csv.DictReader(sq(*options(command), "--format", "csv").out.splitlines())
    assert first == second
    assert first["observable"] == MODULES[command]["observable"]


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_flags_are_explained_on_stderr_unless_quiet(form, sq, record):
    record("measure", BINDER)
    result = sq("measure", "e", "--obs", "binder", "--format", form)
    assert result.err.startswith("sqcli: not_mixed: ")
    quiet = sq("measure", "e", "--obs", "binder", "--format", form, "--quiet")
    assert (quiet.out, quiet.err) == (result.out, "")
    assert "not_mixed" in result.out


def test_a_table(sq, record):
    record("autocorr", RHO)
    heads, row = sq("autocorr", "e", "--obs", "binder").out.splitlines()
    assert heads.split() == ["observable", "τ_int", "τ_int", "(updates)", "window", "τ_exp", "ESS", "R\u0302", "flags"]
    assert row.split() == ["binder", "0.50(10)", "5", "3", "-", "10", "1", "-"]


def test_verify_fails_with_exit_code_1_and_one_line(sq, record):
    record("verify", CHECKED | {"passed": True}, CHECKED | {"observable": "binder", "passed": False})
    result = sq("verify", "e")
    assert (result.code, result.err) == (1, "sqcli: e: failed: binder; do not trust this ensemble\n")
    assert [line.split()[:1] + line.split()[-3:-2] for line in result.out.splitlines()[1:]] == [
        ["identity", "ok"],
        ["binder", "FAILED"],
    ]


def test_verify_of_what_cannot_be_judged_fails_with_the_reason(sq, record):
    open_row = {"observable": "schwinger_dyson", "component": "phi_dS", "passed": None, "reason": WEIGHTS}
    record("verify", CHECKED | open_row, CHECKED | {"passed": True})
    result = sq("verify", "e")
    assert result.code == 1
    assert result.err == (
        f"sqcli: e: undecided: schwinger_dyson[phi_dS]: {WEIGHTS}; "
        "generate more draws, or sample closer to the theory\n"
    )
    assert "undecided" in result.out


def test_verify_says_that_it_passed(sq, record):
    record("verify", CHECKED)
    result = sq("verify", "e")
    assert (result.code, result.err) == (0, "sqcli: e: passed\n")
