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

import typer

from sqcli.cli.options import Format
from sqcli.cli.progress import live
from sqcli.cli.requests import takes
from sqcli.cli.settings import Settings
from sqcli.comparison.request import CompareRequest

CATALOGUES = {"algorithms": "-a ALGORITHM.", "samplers": "-a SAMPLER."}


@takes(CompareRequest)
def command(settings: Settings, request: CompareRequest, form: Format = "table") -> None:
    """Measure every row and print the table."""
    from sqcli.analysis.flags import FLAGS
    from sqcli.cli.cost_table import render
    from sqcli.cli.rendering import explain_flags
    from sqcli.comparison.compare import compare

    with live(settings) as show:
        found = compare(
            request, threading.Event(), lambda name, done, total: show(name, done, total, f"{done}/{total}")
        )
    typer.echo(render(found.envelope(), form))
    for line in (*found.notes, *explain_flags(found.rows, FLAGS)):
        settings.say(line)
