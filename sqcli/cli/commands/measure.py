"""Measure observables: estimates with errors, autocorrelation times and flags.

Per-draw series are kept in the ensemble where it is writable; a read-only one is measured all the same.
"""

from typing import Annotated

import typer

from sqcli.cli.options import Ensemble, Format, ObservableOptions, Observables, Skip, Stride
from sqcli.cli.progress import counter
from sqcli.cli.values import pairs
from sqcli.cli.values import sizes as check_sizes

CATALOGUES = {"observables": "-o"}


def command(
    ctx: typer.Context,
    ens: Ensemble,
    obs: Observables,
    option: ObservableOptions = None,
    skip: Skip = 0,
    stride: Stride = 1,
    sizes: Annotated[
        str | None,
        typer.Option("--sizes", metavar="1x1,2x2", help="Extents of loops: -o sizes=1x1,2x2."),
    ] = None,
    unweighted: Annotated[
        bool, typer.Option("--unweighted", help="Leave the log weights of weighted draws aside.")
    ] = False,
    form: Format = "table",
) -> None:
    """Measure and print the report."""
    named = [] if sizes is None else [f"sizes={check_sizes(sizes)}"]
    options = pairs("-o", [*(option or ()), *named])
    from sqcli.analysis.measure import measure
    from sqcli.cli import rendering, reports

    with counter(ctx.obj, "reading draws") as progress:
        report = measure(ens, obs, skip=skip, stride=stride, options=options, unweighted=unweighted, progress=progress)
    reports.show(ctx.obj, report.envelope(), rendering.MEASURE, form)
