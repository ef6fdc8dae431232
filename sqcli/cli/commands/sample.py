"""Sample a trained model and write an ensemble.

Methods that know the density of what they draw give weighted draws, or with --accept independence a Markov chain.
The same command goes on where it was stopped, and changes nothing when everything is there. Options left
out mean "as stored", a larger --draws extends. A signal (TERM, INT, HUP, USR1, …) and the time limit commit and end it
with exit code 75: run it again to go on.
"""

# ruff: noqa: ARG001 - the options are read from ctx.params, all in one place

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sqcli import stopping
from sqcli.cli import run_options as options
from sqcli.cli import values
from sqcli.cli.progress import reporter
from sqcli.cli.settings import Settings

CATALOGUES = {"samplers": "-a"}


def command(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Directory of the model.", show_default=False)],
    out: options.Target,
    method: Annotated[str | None, typer.Option("--method", metavar="M", help="Sampler (listed below).")] = None,
    method_parameters: Annotated[
        list[str] | None,
        typer.Option("-a", "--method-parameter", metavar="NAME=VALUE", help="Sampler parameter; repeatable."),
    ] = None,
    parameters: options.Parameters = None,
    lattice: options.Lattice = None,
    chains: options.Chains = None,
    draws: options.Draws = None,
    accept: Annotated[
        str | None,
        typer.Option(
            "--accept",
            parser=values.one_of("none", "independence"),
            metavar="none|independence",
            help="Accept or reject draws as proposals of a Markov chain.",
        ),
    ] = None,
    interleave: Annotated[
        list[str] | None,
        typer.Option(
            "--interleave", metavar="ALGORITHM:N", help="N updates between proposals; parameters: -a hmc.n_steps=5."
        ),
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option("--warmup", parser=values.whole(0), metavar="W", help="Proposals discarded first (64)."),
    ] = None,
    seed: options.Seed = None,
    workers: Annotated[
        int | None, typer.Option("--workers", parser=values.whole(1, 10**5), metavar="N", help="Threads.")
    ] = None,
    device: options.Device = None,
    time_limit: options.TimeLimit = None,
    chain_range: options.ChainRange = None,
    resume: options.Resume = False,
    extend: options.Extend = None,
    force: options.Force = False,
) -> None:
    """Translate the options into a request and run it."""
    settings: Settings = ctx.obj
    fields = translate(ctx.params)  # wrong usage is told before anything heavy is imported
    from sqcli.runs.sample import SampleRequest, sample

    request = SampleRequest(**fields, command_line=settings.command_line)
    stopping.alarm(request.time_limit)
    with reporter(settings) as report:
        sample(request, threading.Event(), report)


def translate(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request from the options as they were typed."""
    from sqcli.runs.execution import deadline

    parse: dict[str, Callable[[Any], Any]] = {
        "model": Path,
        "path": Path,
        "lattice": values.lattice,
        "interleave": tuple,
        "parameters": partial(values.pairs, "-p"),
        "method_parameters": partial(values.pairs, "-a"),
        "time_limit": deadline.seconds_left,
        "chain_range": values.chain_range,
    }
    given = {"path" if name == "out" else name: value for name, value in options.items()}
    given |= {name: given[name] or () for name in ("parameters", "method_parameters", "interleave")}
    return {name: parse[name](value) if name in parse and value is not None else value for name, value in given.items()}
