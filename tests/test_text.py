"""Text from foreign files: nothing of it reaches a terminal as a control sequence or a spreadsheet as a formula."""

import json

import pytest

from sqcli.text import cell, json_printable, printable

NASTY = "a\x1b[2J\x9b31m\u202egnp\u2028\r\n\t\x00\U000e0041"


def test_what_is_shown_is_printable_and_keeps_letters_and_symbols():
    assert printable(NASTY).isprintable()
    assert "\\x1b" in printable(NASTY)
    assert printable("⟨φ²⟩ R̂ é 日本") == "⟨φ²⟩ R̂ é 日本"


def test_json_keeps_its_meaning():
    document = {NASTY: [NASTY, "τ", 1.5]}
    text = json_printable(json.dumps(document, ensure_ascii=False, indent=1))
    assert json.loads(text) == document
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "τ" in text


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-A1", "@SUM(A1)", "=HYPERLINK(1)\n"])
def test_no_cell_is_a_formula(text):
    assert cell(text) == "'" + printable(text)


@pytest.mark.parametrize("value", ["-1", "+2.5e3", "-1+2j", "chi2", -3.5, None, 7])
def test_numbers_and_names_are_left_as_they_are(value):
    assert cell(value) == value
