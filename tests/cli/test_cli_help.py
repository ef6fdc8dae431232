import json
import subprocess
import sys

import pytest
import typer

from sqcli import registry
from sqcli.cli._group import COMMANDS
from sqcli.cli._main import app
from sqcli.cli.catalogue import FOLDERS

HEAVY = ("torch", "numba", "numpy", "scipy", "zarr", "xarray", "matplotlib", "rich", "yaml")
NAMES = registry.names(COMMANDS)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["generate", "--help"], ["measure", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    heavy = (
        HEAVY if len(arguments) > 1 else (*HEAVY, "pydantic")
    )  # typer itself reads a command's options with pydantic
    text = (
        "import json, sys\nfrom sqcli.cli._main import run\ncode = run(sys.argv[1:])\n"
        f"print(json.dumps([code, [m for m in {heavy} if m in sys.modules]]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", text, *arguments], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stderr) == [0, []]
    assert done.stdout


def test_python_m_sqcli_is_the_same_program():
    done = subprocess.run([sys.executable, "-m", "sqcli", "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "sqcli", "")


def test_help_lists_every_command(sq):
    result = sq("--help")
    assert (result.code, result.err) == (0, "")
    assert all(f"\n  {name} " in result.out for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_every_option_has_help(name, sq):
    group = typer.main.get_command(app)
    with group.make_context("sqcli", [name], obj=None, resilient_parsing=True) as context:
        command = group.get_command(context, name)
    assert command.help
    assert [param.name for param in command.params if not param.help] == []
    assert sq(name, "--help").code == 0


def test_help_offers_nothing_that_is_absent(sq):
    assert "cuda" not in sq("generate", "--help").out
    assert "NAME=VALUE" not in sq("verify", "--help").out


def test_measure_offers_sizes_as_observables_have_them(sq):
    assert "--sizes" in sq("measure", "--help").out
    assert any("sizes" in registry.parameters("observables", name) for name in registry.names("observables"))


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("form", ["table", "json"])
def test_list(kind, form, sq):
    result = sq("list", kind, "--format", form)
    assert (result.code, result.err) == (0, "")
    if form == "json":
        assert [entry["name"] for entry in json.loads(result.out)] == list(registry.names(FOLDERS[kind]))
    else:
        assert all(name in result.out for name in registry.names(FOLDERS[kind]))


@pytest.mark.parametrize("kind", ["theories", "algorithms"])
def test_generate_help_shows_what_there_is(kind, sq):
    text = " ".join(sq("generate", "--help").out.split())
    for name in registry.names(FOLDERS[kind]):
        assert f" {name} " in text
        assert all(parameter in text for parameter in registry.parameters(FOLDERS[kind], name))
