"""Run a recipe: a YAML file that names what to generate, to train, to sample, to compare and to plot.

Running it again goes on where it was stopped and costs nothing for what is there. Ends with a table.
"""

from pathlib import Path
from typing import Annotated

import typer

from sqcli.cli.values import pairs
from sqcli.text import printable


def command(
    ctx: typer.Context,
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe's file, or the name of one.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the results go.")] = None,
    profile: Annotated[
        str, typer.Option("--profile", metavar="cpu|gpu", help="Size: minutes on a CPU, or as published.")
    ] = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")] = False,
    replace: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Replace an entry; repeatable.")
    ] = None,
) -> None:
    """Run the recipe and print its table."""
    from sqcli.cli.progress import reporter
    from sqcli.cli.recipe_table import comparison
    from sqcli.cli.rendering import explain_flags
    from sqcli.cli.training_progress import reporter as training

    settings = pairs("--set", replace)
    from sqcli import recipes
    from sqcli.analysis.flags import FLAGS

    if dry_run:
        typer.echo("\n".join(map(printable, recipes.commands(recipe, out=out, settings=settings, profile=profile))))
        return
    say = ctx.obj.say
    found = recipes.run(
        recipe,
        out=out,
        settings=settings,
        profile=profile,
        say=say,
        reporter=lambda kind: (training if kind == "train" else reporter)(ctx.obj),
    )
    if found.rows:
        typer.echo(comparison(found.rows))
        for line in explain_flags(found.rows, FLAGS):
            say(line)
