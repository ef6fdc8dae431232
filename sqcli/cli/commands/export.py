"""Export an ensemble: configurations to npz, npy, nersc or ildg, measured series to csv.

npz holds the committed configurations, the numbers per draw and the metadata as JSON; nothing has to fit in memory.
Without --format the ending of OUT says which. npz and npy hold the draws that all chains have, csv each chain as far
as it goes; weights go along in npz and csv. --format nersc or ildg, for links of SU(3) in four dimensions, makes OUT a
folder with one file a configuration, which `sqcli import --join streams` takes in the order of their names; weights
stand beside them in log_weight.csv.
"""

from pathlib import Path
from typing import Annotated

import typer

from sqcli.cli.options import Ensemble
from sqcli.cli.values import one_of


def command(
    ctx: typer.Context,
    ens: Ensemble,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File, or folder, to write.", show_default=False)],
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            parser=one_of("npz", "npy", "csv", "nersc", "ildg"),
            metavar="npz|npy|csv|nersc|ildg",
            help="Form (OUT's ending).",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Export the ensemble, and say what was written."""
    from sqcli.runs.export import export

    ctx.obj.say(export(ens, out, kind, force=force))
