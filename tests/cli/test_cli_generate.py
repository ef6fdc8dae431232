"""`generate` translates options into a request and watches the run."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, make_dataclass
from pathlib import Path

import pytest

from sqcli.cli.progress import clock, closing, counter, note
from sqcli.cli.settings import Settings
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.progress import Progress
from sqcli.runs.generation.request import Request

Plan = make_dataclass("Plan", ["warmup", "every"], frozen=True)
MOMENT = Progress("e", 30, 130, 2, 50, 60, 3, 0.875, 10.0, "draws")


@pytest.fixture
def requests(fake):
    seen = []

    def generate(request, stop, report):
        seen.append(request)
        report(MOMENT)

    fake("sqcli.runs.generate", generate=generate)
    return seen


def test_all_options(sq, requests):
    line = shlex.split(
        "generate e --theory phi4 --lattice 8x6 -p kappa=0.2 -p lambda=0.02 --algorithm hmc -a n_steps=8 --chains 3 "
        "--draws 50 --warmup 30 --every 2 --start hot --seed 5 --dtype float32 --workers 2 --device cpu "
        "--time-limit 1:30:00 --chain-range 0:2 --resume --extend 10 --force --quiet"
    )
    result = sq(*line)
    assert (result.code, result.out, result.err) == (0, "", "")
    (request,) = requests
    assert request == Request(
        Path("e"), "phi4", (8, 6), {"kappa": "0.2", "lambda": "0.02"}, "hmc", {"n_steps": "8"}, 30, 2, "hot",
        "float32", chains=3, draws=50, seed=5, workers=2, device="cpu", time_limit=5400.0, chain_range=(0, 2),
        resume=True, extend=10, force=True, command_line=("sqcli", *line),
    )  # fmt: skip


def test_what_is_left_out_stays_open(sq, requests):
    result = sq("generate", "e")
    (request,) = requests
    given = {name: value for name, value in vars(request).items() if value not in (None, {}, False)}
    assert given == {"path": Path("e"), "command_line": ("sqcli", "generate", "e")}
    assert result.err == "sqcli: e: 60 of 150 draws (40 %) in 3 chains; 10 updates/s, acceptance 0.88\n"


def test_a_finished_ensemble_says_so(sq, fake):
    fake("sqcli.runs.generate", generate=lambda request, stop, report: None)
    assert sq("generate", "e").err == "sqcli: nothing to do: every draw is there\n"
    assert sq("generate", "e", "--quiet").err == ""


@dataclass
class Terminal:
    """A pseudo-terminal for stderr: what a user would see."""

    text: str
    code: int
    out: str


def on_a_terminal(*arguments):
    program = (
        "import sys, types\nfrom sqcli.runs.execution.progress import Progress\n"
        "def generate(request, stop, report):\n"
        "    for i in range(1, 4): report(Progress('e[/b]\\x1b[31m', 10 * i, 40, i, 4, 2 * i, 2, None, 5.0, 'draws'))\n"
        "sys.modules['sqcli.runs.generate'] = types.SimpleNamespace(generate=generate)\n"
        "from sqcli.cli._main import run\nsys.exit(run(sys.argv[1:]))\n"
    )
    leader, follower = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=follower,
        env=environment,
        timeout=60,
    )
    os.close(follower)
    os.set_blocking(leader, False)
    pieces = []
    try:
        while piece := os.read(leader, 65536):
            pieces.append(piece)
    except OSError:  # read to the end
        pass
    os.close(leader)
    return Terminal(b"".join(pieces).decode(), done.returncode, done.stdout.decode())


def test_a_terminal_sees_progress():
    seen = on_a_terminal("generate", "e")
    assert (seen.code, seen.out) == (0, "")
    assert "e[/b]\\x1b[31m: draws" in seen.text
    assert "draws 6/8 · 5 updates/s · 0:00:02 left" in seen.text
    assert seen.text.rstrip().endswith("sqcli: e[/b]\\x1b[31m: 6 of 8 draws (75 %) in 2 chains; 5 updates/s")


def test_quiet_on_a_terminal():
    assert on_a_terminal("generate", "e", "--quiet").text == ""


def test_elsewhere_there_is_a_line_a_minute(capsys, monkeypatch):
    now = iter(range(0, 400, 25))
    monkeypatch.setattr("sqcli.cli.progress.time.monotonic", lambda: next(now))
    with counter(Settings(), "reading draws") as progress:
        for done in range(7):
            progress(done, 8)
    assert capsys.readouterr().err.splitlines() == [
        "sqcli: reading draws 25 % · 2/8",
        "sqcli: reading draws 62 % · 5/8",
    ]


def test_the_pace_leaves_out_what_is_compiled_first(monkeypatch):
    now = iter([100.0, 110.0, 120.0])
    monkeypatch.setattr("sqcli.runs.execution.board.time.monotonic", lambda: next(now))
    board = Board("e", Plan(0, 1), 50, {0: (2, 0, 0)})
    board.advanced(0, 2, 0, 0, 4)  # at 100 s, most of which went into compiling
    assert board.progress().rate == 0
    board.advanced(0, 2, 0, 25, 46)
    found = board.progress()
    assert (found.rate, found.held, found.draws) == (2.3, 50, 25)


def test_progress_in_words():
    assert note(MOMENT) == "draws 60/150 · 10 updates/s · acceptance 0.88 · 0:00:10 left"
    assert closing(MOMENT) == "e: 60 of 150 draws (40 %) in 3 chains; 10 updates/s, acceptance 0.88"
    assert clock(3723.9) == "1:02:03"
    assert Progress("e", 0, 1, 0, 1, 0, 1, None, 0.0, "warm-up").seconds_left is None
