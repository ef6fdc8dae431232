import importlib
import sys
import types
from dataclasses import dataclass

import pytest

from sqcli.cli._main import run


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def sq(capfd):
    """Run one command line in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> Result:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return Result(code, *capfd.readouterr())

    return call


@pytest.fixture
def fake(monkeypatch):
    """Put functions in the place of a module that a command imports in its body."""

    def replace(name: str, **members: object) -> None:
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
        parent, _, child = name.rpartition(".")
        monkeypatch.setattr(importlib.import_module(parent), child, module, raising=False)

    return replace


class _Report:
    """What `measure` and its like hand to a command."""

    def __init__(self, *estimates: dict[str, object]) -> None:
        self.estimates = list(estimates)

    def envelope(self) -> dict[str, object]:
        head = {"ensemble": "e", "theory": "phi4", "parameters": {"kappa": 0.2}, "lattice": [8, 8], "chains": 2}
        return {**head, "draws": 50, "estimates": self.estimates}


@pytest.fixture
def report():
    """A report of given estimates."""
    return _Report
