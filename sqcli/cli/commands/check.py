"""Check that the bytes are right: every committed chunk, checksums, records.

Exit code 0 when they are, 3 when something is damaged (one line per fault on stdout).
"""

import typer

from sqcli.cli.options import Ensemble
from sqcli.text import printable

DAMAGED = 3


def command(ens: Ensemble) -> None:
    """Print the faults that are found, and exit with `DAMAGED` where there are any."""
    from sqcli import store

    faults = store.check(ens)
    for fault in faults:
        typer.echo(printable(" ".join(f"{fault.path}: {fault.what}".split())))
    if faults:
        raise typer.Exit(DAMAGED)
    typer.echo(printable(f"ok: {ens}"))
