"""Compare the cost of independent configurations: Monte Carlo against the samplers of a model.

One row per algorithm or sampler, on the theory and lattice of MODEL (-p and --lattice change them). Columns:

\b
exactness    what the draws are: exact, weighted, asymptotic, uncorrected
draws        made in the seconds beside them, which begin after a warm start:
             algorithms first compile and warm up, samplers first make a tile
             for every worker; fewer seconds once a million draws are there
draws/s      of all workers, writing included
acceptance   of trajectories or proposals
τ_int        of the observable, in draws: 1/2 for independent ones
weight ESS   of weighted draws: (sum w)²/(sum w²) over their number
ESS/s        independent configurations per second of sampling alone:
             draws/s over 2 τ_int, times the weight ESS
set-up s     what the first call took beyond its draws (warm-up, no compiling);
             for samplers also training and the making of its data, which is
             estimated from a moment of the same algorithm
ESS/s, all   N/(set-up + N/(ESS/s)), for N configurations
log Z        of the partition function, where the method gives it
σ            deviation from the mean of the exact and weighted rows

Rows are hmc, fahmc, wolff, smc, path (accepted or rejected as proposals of a Markov chain), ode, maala, dpm and sde,
as far as the theory has them; step_size is auto, all else at its default unless -a changes it. Samplers that take very
long are left out unless --method names them.
"""  # noqa: D301 - typer is told by \b not to fill the lines

import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from sqcli.cli import run_options as options
from sqcli.cli import values
from sqcli.cli.options import Format
from sqcli.cli.progress import live
from sqcli.cli.settings import Settings

CATALOGUES = {"algorithms": "-a ALGORITHM.", "samplers": "-a SAMPLER."}


def command(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Directory of the model.", show_default=False)],
    algorithm: Annotated[
        list[str] | None, typer.Option("--algorithm", metavar="A", help="Only the rows named so; repeatable.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", metavar="M", help="Likewise for samplers; repeatable.")
    ] = None,
    row_parameters: Annotated[
        list[str] | None,
        typer.Option("-a", "--row-parameter", metavar="ROW.NAME=VALUE", help="As path.n_steps=10; repeatable."),
    ] = None,
    parameters: options.Parameters = None,
    lattice: options.Lattice = None,
    seconds: Annotated[
        float, typer.Option("--seconds", parser=values.real(0, above=True), metavar="S", help="Measuring per row.")
    ] = 10.0,
    obs: Annotated[str, typer.Option("--obs", metavar="NAME", help="The observable that counts.")] = (
        "abs_magnetization"
    ),
    configurations: Annotated[
        int,
        typer.Option("--configurations", parser=values.whole(1), metavar="N", help="Over which set-up is spread."),
    ] = 10000,
    warmup: Annotated[
        int, typer.Option("--warmup", parser=values.whole(1), metavar="W", help="Updates of algorithms discarded.")
    ] = 1000,
    seed: options.Seed = None,
    workers: options.Workers = None,
    device: options.Device = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep the ensembles there.", show_default=False)
    ] = None,
    form: Format = "table",
) -> None:
    """Measure every row and print the table."""
    settings: Settings = ctx.obj
    fields: dict[str, Any] = {
        "model": model,
        "algorithms": tuple(algorithm or ()),
        "methods": tuple(method or ()),
        "settings": values.pairs("-a", row_parameters),
        "parameters": values.pairs("-p", parameters),
        "lattice": None if lattice is None else values.lattice(lattice),
        "seconds": seconds,
        "observable": obs,
        "configurations": configurations,
        "warmup": warmup,
        "workers": workers,
        "device": device,
        "out": out,
        **({} if seed is None else {"seed": seed}),
    }
    from sqcli.analysis.flags import FLAGS
    from sqcli.cli.cost_table import render
    from sqcli.cli.rendering import explain_flags
    from sqcli.comparison.compare import CompareRequest, compare

    request = CompareRequest(**fields, command_line=settings.command_line)
    with live(settings) as show:
        found = compare(
            request, threading.Event(), lambda name, done, total: show(name, done, total, f"{done}/{total}")
        )
    typer.echo(render(found.envelope(), form))
    for line in (*found.notes, *explain_flags(found.rows, FLAGS)):
        settings.say(line)
