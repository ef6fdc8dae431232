"""List theories, algorithms, observables, nets, schedules, objectives, samplers or figures."""

from typing import Annotated

import typer

from sqcli.cli.catalogue import FOLDERS, describe_parameters, entries
from sqcli.cli.options import TableOrJson
from sqcli.cli.rendering import aligned, as_json
from sqcli.cli.values import one_of


def command(
    kind: Annotated[str, typer.Argument(parser=one_of(*FOLDERS), metavar="|".join(FOLDERS), help="What to list.")],
    form: TableOrJson = "table",
) -> None:
    """Print names, one-line summaries and parameters."""
    found = entries(kind)
    if form == "json":
        typer.echo(as_json(found))
    elif found:
        rows = [(e["name"], describe_parameters(e["parameters"]), e["summary"]) for e in found]
        typer.echo(aligned(("name", "parameters", "summary"), rows))
