"""Recipes damaged at random: each is still a recipe or one line says why not, and nothing is touched."""

import random
from pathlib import Path

import pytest

from sqcli.errors import SqcliError
from sqcli.recipes import commands

SHIPPED = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
ODD = [
    "", "~", "null", "true", "[]", "{}", "-1", "0", "1e309", "1.0e+400", ".nan", "-.inf", "2020-13-45", "2020-01-02",
    "9" * 5000, "0x" + "f" * 4000, "1:99:99", "!!int x", "!!float x", "!!bool x", "!!timestamp x", "!!binary x",
    "!!set {a}", "!!omap [a]", "!!pairs [a]", "!!python/name:os.system", "*nowhere", "&a [*a]", "[[[[[[]]]]]]",
    "{? {a: 1} : b}", "'../../up'", "/etc/passwd", '"\\e[2J\\0"', "é²", "hmc:2", "'hmc'", "cold", "a/b=c",
    "1" + "0" * 30, "32x32", "0x0", "99999x99999x99999", "| \n   text", "*", "%", "@x", "- - -", "<<", "? ", "a: b: c",
]  # fmt: skip


def damaged(text, rng):
    """One or two changes of a recipe's text."""
    for _ in range(rng.choice((1, 1, 2))):
        lines = text.splitlines()
        at = rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind == 0:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif kind == 1:
            del lines[at]
        elif kind == 2:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        elif kind == 3:
            lines[at] = " " * rng.randrange(4) + lines[at].strip()
        elif kind == 4 and lines[at]:
            place = rng.randrange(len(lines[at]))
            lines[at] = lines[at][:place] + rng.choice(":-[]{}#&*!|>'\"%@`,?\t\\\x00\ufeff") + lines[at][place:]
        else:
            head, colon, _ = lines[at].partition(": ")
            lines[at] = f"{head}{colon}{rng.choice(ODD)}"
        text = "\n".join(lines) + "\n"
    return text


def listed(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("number", range(len(SHIPPED)))
def test_a_damaged_recipe_is_one_line(tmp_path, monkeypatch, number):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "sentinel").write_text("mine")
    rng, text = random.Random(number), SHIPPED[number].read_text(encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    for _ in range(25):
        recipe.write_text(damaged(text, rng), encoding="utf-8")
        before = listed(tmp_path)
        try:
            found = commands(recipe, profile=rng.choice(("cpu", "cpu", "gpu")))
        except SqcliError as error:
            told = str(error)
            assert told.isprintable(), told
            assert len(told) < 2000, told
        else:
            assert all(line.startswith("sqcli ") for line in found)
        assert listed(tmp_path) == before
