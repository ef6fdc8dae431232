"""Print a report of `measure`, `autocorr` or `verify`: estimates on stdout, the meaning of flags on stderr."""

from collections.abc import Sequence
from typing import Any

import typer

from sqcli.cli.rendering import explain_flags, render
from sqcli.cli.settings import Settings


def show(settings: Settings, envelope: dict[str, Any], columns: Sequence[str], form: str) -> None:
    """Print the estimates of `envelope` as `form`, and explain on stderr the flags that they carry."""
    from sqcli.analysis.flags import FLAGS

    rows = envelope["estimates"]
    typer.echo(render(rows, columns, envelope, form))
    for line in explain_flags(rows, FLAGS):
        settings.say(line)
