"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from sqcli.cli.values import observable, one_of, whole

Ensemble = Annotated[Path, typer.Argument(metavar="ENS", help="Ensemble directory.", show_default=False)]
Observables = Annotated[
    list[str],
    typer.Option("--obs", parser=observable, metavar="NAME", help="Observable; repeatable.", show_default=False),
]
ObservableOptions = Annotated[
    list[str] | None,
    typer.Option("-o", "--option", metavar="NAME=VALUE", help="Option of the observables that have it; repeatable."),
]
Skip = Annotated[
    int, typer.Option("--skip", parser=whole(0), metavar="N", help="Leave out the first N draws of each chain.")
]
Stride = Annotated[int, typer.Option("--stride", parser=whole(1), metavar="N", help="Use every N-th draw.")]
Format = Annotated[
    str,
    typer.Option("--format", parser=one_of("table", "json", "csv"), metavar="table|json|csv", help="Form of output."),
]
TableOrJson = Annotated[
    str, typer.Option("--format", parser=one_of("table", "json"), metavar="table|json", help="Form of output.")
]
