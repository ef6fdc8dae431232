"""Five hundred malformed command lines: a documented exit code, one line (two for wrong usage), nothing created."""

import random

import pytest
import typer

from sqcli import registry
from sqcli.cli._group import COMMANDS
from sqcli.cli._main import app

NAMES = registry.names(COMMANDS)
NASTY = [
    "", " ", "-1", "0", "1e9", "1" * 30, "nan", "inf", "-inf", "1e999", "0x10", "1_000", "\u0663", "\u00b2", "\u221e",
    "=", "=1", "a=", "kappa=", "kappa=nan", "kappa=1=2", "a.b=c", ".=.", "a,b", "a[0]", "[", "8x", "x8", "0x0",
    "8x8x8x8x8x8x8x8x8",
    "3:1", "a:b", "1:2:3:4", "auto", "hot", "-", "--", "---", "--no-such", "-Z", "{", "${HOME}", "%s", "*", "~",
    "\n", "\t",
    "\x1b[31mred", "\x00", "\ud800", "\U0001f4a5", "../" * 40, "/", ".", "/dev/null", "/dev/full",
    "/proc/self/mem", "here", "file",
    "HMC", "PHI4", "hcm", "true", "None", "[]", "{}", "'", '"', ";", "a" * 5000, "9999-12-31",
]  # fmt: skip


def options_of(name):
    """Spellings of the options of a command."""
    group = typer.main.get_command(app)
    with group.make_context("sqcli", [name], obj=None, resilient_parsing=True) as context:
        command = group.get_command(context, name)
    return [spelling for param in command.params for spelling in param.opts if spelling.startswith("-")]


OPTIONS = {name: [o for o in options_of(name) if o not in ("--debug", "--force")] for name in NAMES}


def line(source):
    """A command with odd options and arguments; positional ones name nothing that could be worked on."""
    name = source.choice(NAMES)
    words = [name, *source.choices(["here", "absent", *NASTY], k=source.choice([0, 1, 1, 2, 3]))]
    for _ in range(source.randrange(4)):
        words.insert(source.randrange(1, len(words) + 1), source.choice(OPTIONS[name]))
        if source.random() < 0.8:
            words.append(source.choice(NASTY))
    return words


@pytest.mark.parametrize("part", range(5))
def test_a_hundred_malformed_lines(part, sq, tmp_path, monkeypatch):
    source = random.Random(f"malformed {part}")
    (tmp_path / "here").mkdir()
    (tmp_path / "file").write_text("no ensemble")
    monkeypatch.chdir(tmp_path)
    for _ in range(100):
        words = line(source)
        result = sq(*words)
        assert result.code in (0, 1, 2, 3), words
        assert "Traceback" not in result.out + result.err, words
        assert "internal error" not in result.err, (words, result.err)
        assert "\x1b" not in result.out + result.err, words
        if result.code:
            assert len(result.err.splitlines()) == result.code or result.code == 3, (words, result.err)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "here"], words
        assert not list((tmp_path / "here").iterdir()), words
