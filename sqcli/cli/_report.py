"""Print a report of `measure`, `autocorr` or `verify`: the result on stdout, what the flags mean where it is seen."""

from collections.abc import Sequence
from typing import Any

import typer

from sqcli.cli._format import explain_flags, render
from sqcli.cli._settings import complain


def show(envelope: dict[str, Any], columns: Sequence[str], form: str) -> None:
    """Print the estimates of `envelope` as `form`; flags are explained on stderr, even with --quiet."""
    from sqcli.runs.flags import FLAGS

    rows = envelope["estimates"]
    typer.echo(render(rows, columns, envelope, form))
    for line in explain_flags(rows, FLAGS):
        complain(line)
