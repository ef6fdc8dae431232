"""Print a report of `measure`, `autocorr` or `verify`: the result on stdout, what the flags mean where it is seen."""

from collections.abc import Sequence
from typing import Any

import typer

from sqcli.cli.rendering import explain_flags, render
from sqcli.cli.settings import Settings


def show(settings: Settings, envelope: dict[str, Any], columns: Sequence[str], form: str) -> None:
    """Print the estimates of `envelope` as `form`; flags are explained on stderr."""
    from sqcli.analysis.flags import FLAGS

    rows = envelope["estimates"]
    typer.echo(render(rows, columns, envelope, form))
    for line in explain_flags(rows, FLAGS):
        settings.say(line)
