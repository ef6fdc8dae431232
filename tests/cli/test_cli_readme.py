"""The README shows every command there is."""

from pathlib import Path

import pytest

from sqcli import registry
from sqcli.cli._group import COMMANDS

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("name", registry.names(COMMANDS))
def test_the_readme_mentions_the_command(name):
    assert f"sqcli {name}" in README.read_text(encoding="utf-8")
