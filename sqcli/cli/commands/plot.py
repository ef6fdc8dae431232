"""Plot an observable of an ensemble, or what a model does: effective action, score, denoising, cumulants.

Of an ensemble: history, rho (autocorrelation), histogram, overview (all three) and propagator. Of a model:
effective_action (-log q against the action), score (beside the exact one, in zero dimensions), denoising (samples
against time) and cumulants (forward and backward). Of an ensemble that was sampled: acceptance and effective_action.
Times are the schedule's, levels are in units of the normalised field; comma-separated.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from sqcli.cli import run_options as options
from sqcli.cli import values
from sqcli.errors import UsageError

HISTORY, MAGNETIZATION = "history", "magnetization"
FLAGS = {"ensemble": "with", "parameters": "method-parameter"}


def command(
    ctx: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="ENS|MODEL", help="Directory of an ensemble or a model.", show_default=False)
    ],
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="Kind of figure, see above.")] = HISTORY,
    obs: Annotated[
        str | None,
        typer.Option("--obs", metavar="NAME", help="Observable, such as binder or correlator[3] (magnetization)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Image to write; left out, KIND-NAME.png here.")
    ] = None,
    ensemble: Annotated[
        Path | None, typer.Option("--with", metavar="ENS", help="Configurations beside a model.")
    ] = None,
    times: Annotated[str | None, typer.Option("--times", metavar="T,...", help="Times of the schedule.")] = None,
    levels: Annotated[
        str | None, typer.Option("--levels", metavar="S,...", help="Noise levels, instead of times.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", parser=values.whole(1), metavar="N", help="Configurations or samples.")
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", metavar="M", help="Sampler for densities: path (default) or ode.")
    ] = None,
    method_parameters: Annotated[
        list[str] | None,
        typer.Option("-a", "--method-parameter", metavar="NAME=VALUE", help="Sampler parameter; repeatable."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", parser=values.whole(0, 2**64 - 1), metavar="S", help="Random numbers (1).")
    ] = None,
    device: options.Device = None,
) -> None:
    """Draw the figure and write it to a file; numbers that it shows are said as well."""
    said: dict[str, Any] = {
        "ensemble": ensemble,
        "times": numbers("--times", times),
        "levels": numbers("--levels", levels),
        "draws": draws,
        "method": method,
        "parameters": values.pairs("-a", method_parameters),
        "seed": seed,
        "device": device,
    }
    from sqcli.figures import MODEL_KINDS, plot, plot_model

    if kind in MODEL_KINDS:
        if obs is not None:
            raise UsageError(f"--obs: {kind} is no plot of an observable")
        target = out or Path(f"{kind}.png")
        for line in plot_model(path, kind, target, **said):
            ctx.obj.say(line)
    else:
        wrong = [name for name, value in said.items() if value not in (None, (), {})]
        if wrong:
            raise UsageError(f"--{FLAGS.get(wrong[0], wrong[0])} is for plots of models: {', '.join(MODEL_KINDS)}")
        target = out or Path(f"{kind}-{obs or MAGNETIZATION}.png")
        plot(path, kind, obs or MAGNETIZATION, target)
    ctx.obj.say(f"wrote {target}")


def numbers(option: str, text: str | None) -> tuple[float, ...]:
    """`0.1,0.5` -> (0.1, 0.5)."""
    try:
        return () if text is None else tuple(values.real(0)(part) for part in text.split(","))
    except typer.BadParameter as error:
        raise UsageError(f"{option}: {error.message}") from None
