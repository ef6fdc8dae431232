import json
import math

import numpy as np

from sqcli.cli import rendering
from sqcli.cli.rendering import as_csv, as_json, as_table, explain_flags

PLAIN = {
    "observable": "binder",
    "component": None,
    "value": np.float64(0.47112),
    "error": 0.0023,
    "tau_int": 0.5,
    "tau_int_error": None,
    "ess": 100.0,
    "rhat": math.nan,
    "error_method": "gamma",
    "weighted": False,
    "flags": (),
}
COMPLEX = PLAIN | {
    "observable": "moments",
    "component": "2",
    "value": 1 + 2j,
    "error": np.complex128(0.1 + 0.2j),
    "flags": ("not_mixed", "unheard_of"),
}


def test_json_knows_no_nan_and_no_numpy():
    text = as_json({"estimates": [PLAIN, COMPLEX], "rho": np.array([1.0, np.nan]), "n": np.int64(3)})
    read = json.loads(text, parse_constant=lambda name: pytest_fail(name))
    assert read["n"] == 3
    assert read["rho"] == [1.0, None]
    first, second = read["estimates"]
    assert (first["value"], first["rhat"], first["component"], first["flags"]) == (0.47112, None, None, [])
    assert (second["value"], second["error"]) == ({"re": 1.0, "im": 2.0}, {"re": 0.1, "im": 0.2})


def pytest_fail(name):
    raise AssertionError(f"JSON holds {name}")


def test_csv_has_the_same_columns_for_real_and_complex_values():
    assert as_csv([PLAIN, COMPLEX], rendering.MEASURE).splitlines() == [
        "observable,component,value,value_im,error,error_im,tau_int,tau_int_error,ess,rhat,error_method,"
        "between_chains_error,between_chains_error_im,weighted,flags",
        "binder,,0.47112,,0.0023,,0.5,,100.0,,gamma,,,False,",
        "moments,2,1.0,2.0,0.1,0.2,0.5,,100.0,,gamma,,,False,not_mixed unheard_of",
    ]


def test_csv_of_autocorrelations_holds_rho_in_one_cell():
    row = {"observable": "action", "rho": np.array([1.0, 0.5]), "rho_error": None, "window": 7}
    lines = as_csv([row], rendering.AUTOCORR).splitlines()
    assert lines[1] == "action,,,,,7,,,,,1.0 0.5,,"


def test_table_aligns_columns_and_leaves_no_trailing_blanks():
    assert as_table([PLAIN, COMPLEX], rendering.MEASURE).splitlines() == [
        "observable  value                 τ_int  ESS  R\u0302  error_method  flags",
        "binder      0.4711(23)            0.5    100  -  gamma         -",
        "moments[2]  1.00(10) + 2.00(20)i  0.5    100  -  gamma         not_mixed unheard_of",
    ]


def test_an_empty_report_is_a_table_of_heads_only():
    assert len(as_table([], rendering.MEASURE).splitlines()) == 1


def test_flags_are_explained_once_each():
    rows = [COMPLEX, COMPLEX, PLAIN]
    assert explain_flags(rows, {"not_mixed": "Chains disagree."}) == ["not_mixed: Chains disagree.", "unheard_of"]


def test_nothing_is_bold_without_a_terminal(capsys):
    assert rendering.emphasis("a") == "a"


def test_no_colour_is_honoured(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert rendering.emphasis("a") == "\x1b[1ma\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert rendering.emphasis("a") == "a"
