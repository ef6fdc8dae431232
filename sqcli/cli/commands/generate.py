"""Run Monte Carlo or Langevin and write an ensemble.

The same command goes on where it was stopped, and changes nothing when everything is there. Options left
out mean "as stored", a larger --draws extends. A signal (TERM, INT, HUP, USR1, …) and the time limit commit and end it
with exit code 75: run it again to go on.
"""

# ruff: noqa: ARG001 - the options are read from ctx.params, all in one place

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import typer

from sqcli import stopping
from sqcli.cli import run_options as options
from sqcli.cli import values
from sqcli.cli.progress import reporter
from sqcli.cli.settings import Settings

CATALOGUES = {"theories": "-p", "algorithms": "-a"}


def command(
    ctx: typer.Context,
    ens: options.Target,
    theory: options.Theory = None,
    lattice: options.Lattice = None,
    parameters: options.Parameters = None,
    algorithm: options.Algorithm = None,
    algorithm_parameters: options.AlgorithmParameters = None,
    chains: options.Chains = None,
    draws: options.Draws = None,
    warmup: options.Warmup = None,
    every: options.Every = None,
    start: options.Start = None,
    seed: options.Seed = None,
    dtype: options.Precision = None,
    workers: options.Workers = None,
    device: options.Processor = None,
    time_limit: options.TimeLimit = None,
    chain_range: options.ChainRange = None,
    resume: options.Resume = False,
    extend: options.Extend = None,
    force: options.Force = False,
) -> None:
    """Translate the options into a request and run it."""
    settings: Settings = ctx.obj
    fields = translate(ctx.params)  # wrong usage is told before anything heavy is imported
    from sqcli.runs.generate import Request, generate

    request = Request(**fields, command_line=settings.command_line)
    stopping.alarm(request.time_limit)
    with reporter(settings) as report:
        generate(request, threading.Event(), report)


def translate(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request from the options as they were typed."""
    from sqcli.runs.execution import deadline

    parse: dict[str, Callable[[Any], Any]] = {
        "path": Path,
        "lattice": values.lattice,
        "parameters": partial(values.pairs, "-p"),
        "algorithm_parameters": partial(values.pairs, "-a"),
        "time_limit": deadline.seconds_left,
        "chain_range": values.chain_range,
    }
    given = {"path" if name == "ens" else name: value for name, value in options.items()}
    given |= {name: given[name] or () for name in ("parameters", "algorithm_parameters")}
    return {name: parse[name](value) if name in parse and value is not None else value for name, value in given.items()}
