"""Train a score model on one or several ensembles.

The same command goes on where it was stopped, and changes nothing when the model is finished; options left out mean
"as stored". -a sets the net's parameters by plain name, the others' as schedule.NAME and objective.NAME. A signal
(TERM, INT, HUP, USR1, …) and the time limit write a checkpoint and end it with exit code 75: run it again to go on.
Several GPUs: torchrun --nproc-per-node N -m sqcli train ….
"""

# ruff: noqa: ARG001 - the options are read from ctx.params, all in one place

import threading
from pathlib import Path
from typing import Annotated

import typer

from sqcli import stopping
from sqcli.cli import run_options as options
from sqcli.cli import values
from sqcli.cli.settings import Settings
from sqcli.cli.training_progress import reporter

CATALOGUES = {"nets": "-a", "schedules": "-a schedule.", "objectives": "-a objective."}


def command(
    ctx: typer.Context,
    ensembles: Annotated[list[Path], typer.Argument(metavar="ENS", help="Ensembles to train on.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="MODEL", help="Model directory to write.", show_default=False)],
    net: Annotated[str | None, typer.Option("--net", metavar="N", help="Network (listed below; spectral).")] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="S", help="Noise schedule (listed below; geometric).")
    ] = None,
    objective: Annotated[
        str | None, typer.Option("--objective", metavar="O", help="Objective (listed below; target).")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("-a", "--parameter", metavar="NAME=VALUE", help="Parameter of the net or another part."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", parser=values.whole(1), metavar="E", help="Passes through the data.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", parser=values.whole(1), metavar="N", help="Fields per step (64).")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", parser=values.real(0, above=True), metavar="X", help="Largest one (0.001)."),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option("--weight-decay", parser=values.real(0), metavar="X", help="Of AdamW (0)."),
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option("--ema", parser=values.real(0), metavar="X", help="Decay of the weights' average (0.999)."),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option("--validation", parser=values.real(0), metavar="X", help="Fraction not trained on (0.1)."),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option("--patience", parser=values.whole(0), metavar="E", help="End after E epochs without gain; 0: no."),
    ] = None,
    clip: Annotated[
        float | None,
        typer.Option("--clip", parser=values.real(0, above=True), metavar="X", help="Largest gradient norm (1)."),
    ] = None,
    augment: Annotated[
        bool | None, typer.Option("--augment/--no-augment", help="Transform by the action's symmetries (yes).")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            parser=values.one_of("float32", "bfloat16"),
            metavar="float32|bfloat16",
            help="Of the network's products (float32).",
        ),
    ] = None,
    seed: options.Seed = None,
    skip: Annotated[
        int | None, typer.Option("--skip", parser=values.whole(0), metavar="N", help="Leave out first N draws (0).")
    ] = None,
    max_draws: Annotated[
        int | None, typer.Option("--max-draws", parser=values.whole(1), metavar="N", help="Most draws per chain.")
    ] = None,
    init: Annotated[
        Path | None, typer.Option("--init", metavar="MODEL", help="Start from the weights of another model.")
    ] = None,
    device: options.Device = None,
    compiled: Annotated[bool, typer.Option("--compile", help="Use torch.compile; pays in long runs.")] = False,
    time_limit: options.TimeLimit = None,
    checkpoint_every: Annotated[
        float,
        typer.Option("--checkpoint-every", parser=values.real(0), metavar="SECONDS", help="Time between checkpoints."),
    ] = 60.0,
    force: Annotated[bool, typer.Option("--force", help="Erase the model that is there and start anew.")] = False,
) -> None:
    """Translate the options into a request and run it."""
    from sqcli.runs.execution import deadline

    settings: Settings = ctx.obj
    given = dict(ctx.params)
    given |= {"parameters": values.pairs("-a", parameters), "path": given.pop("out"), "compile": given.pop("compiled")}
    given |= {"time_limit": None if time_limit is None else deadline.seconds_left(time_limit)}
    from sqcli.runs.train import TrainRequest, train

    request = TrainRequest(**given, command_line=settings.command_line)
    stopping.alarm(request.time_limit)
    with reporter(settings, f"training {out}") as report:
        train(request, threading.Event(), report)
