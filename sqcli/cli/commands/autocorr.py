"""Autocorrelation: rho(t), tau_int with its error, window, tau_exp, ESS, R-hat and flags of trust.

tau_int is 1/2 for independent draws, in units of saved draws; tau_int_trajectories in updates stands beside it.
"""

from typing import Annotated, Literal

import typer

from sqcli.cli.options import Ensemble, Format, ObservableOptions, Observables, Skip, Stride
from sqcli.cli.values import pairs, real, window_length

CATALOGUES = {"observables": "-o"}


def command(
    ctx: typer.Context,
    ens: Ensemble,
    obs: Observables,
    option: ObservableOptions = None,
    window: Annotated[
        str, typer.Option("--window", parser=window_length, metavar="auto|N", help="Where the sum over rho(t) ends.")
    ] = "auto",
    s: Annotated[
        float, typer.Option("--s", parser=real(0, above=True), metavar="S", help="S of the automatic window.")
    ] = 1.5,
    tau_exp: Annotated[
        float | None,
        typer.Option(
            "--tau-exp", parser=real(0, above=True), metavar="X", help="Add the tail of a slow mode, in draws."
        ),
    ] = None,
    skip: Skip = 0,
    stride: Stride = 1,
    form: Format = "table",
) -> None:
    """Estimate autocorrelations and print the report."""
    options = pairs("-o", option)
    from sqcli.analysis.autocorr import autocorr
    from sqcli.cli import rendering, reports

    width: int | Literal["auto"] = "auto" if window == "auto" else int(window)
    report = autocorr(ens, obs, window=width, s=s, tau_exp=tau_exp, skip=skip, stride=stride, options=options)
    reports.show(ctx.obj, report.envelope(), rendering.AUTOCORR, form)
