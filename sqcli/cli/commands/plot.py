"""Plot an observable: its history, autocorrelation, histogram, or the propagator."""

from pathlib import Path
from typing import Annotated

import typer

from sqcli.cli._options import Ensemble


def command(
    ctx: typer.Context,
    ens: Ensemble,
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="history, rho, histogram, overview or propagator.")
    ] = "history",
    obs: Annotated[
        str, typer.Option("--obs", metavar="NAME", help="Observable, such as binder or correlator[3].")
    ] = "magnetization",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Image to write; left out, KIND-NAME.png here.")
    ] = None,
) -> None:
    """Draw the figure and write it to a file."""
    from sqcli.runs.plot import plot

    target = out or Path(f"{kind}-{obs}.png")
    plot(ens, kind, obs, target)
    ctx.obj.say(f"wrote {target}")
