"""Run a recipe: a YAML file that names what to generate and to measure."""

from pathlib import Path
from typing import Annotated

import typer

from sqcli.cli._values import pairs


def command(
    ctx: typer.Context,
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe's file, or the name of one.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the results go.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")] = False,
    replace: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Replace an entry; repeatable.")
    ] = None,
) -> None:
    """Run the recipe."""
    from sqcli.cli._signals import stop_on_signals

    settings = pairs("--set", replace)
    from sqcli import recipes

    with stop_on_signals() as stop:
        recipes.run(recipe, out=out, dry_run=dry_run, settings=settings, stop=stop, say=ctx.obj.say, write=typer.echo)
