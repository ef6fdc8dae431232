"""Options of `generate`; all may be left out, which means "as stored" or the default."""

from pathlib import Path
from typing import Annotated

import typer

from sqcli.cli.values import one_of, whole

Target = Annotated[
    Path, typer.Argument(metavar="ENS", help="Ensemble directory to write or to go on with.", show_default=False)
]
Theory = Annotated[str | None, typer.Option("--theory", metavar="T", help="Theory (listed below).")]
Lattice = Annotated[str | None, typer.Option("--lattice", metavar="32x32", help="Extents; 1 in zero dimensions.")]
Parameters = Annotated[
    list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Theory parameter; repeatable.")
]
Algorithm = Annotated[str | None, typer.Option("--algorithm", metavar="A", help="Algorithm (listed below).")]
AlgorithmParameters = Annotated[
    list[str] | None,
    typer.Option("-a", "--algorithm-parameter", metavar="NAME=VALUE", help="Algorithm parameter; repeatable."),
]
Chains = Annotated[
    int | None, typer.Option("--chains", parser=whole(1, 10**7), metavar="C", help="Number of chains (1).")
]
Draws = Annotated[
    int | None, typer.Option("--draws", parser=whole(1), metavar="N", help="Draws per chain in all; more extends.")
]
Warmup = Annotated[
    int | None, typer.Option("--warmup", parser=whole(0), metavar="W", help="Updates discarded first (500).")
]
Every = Annotated[int | None, typer.Option("--every", parser=whole(1), metavar="E", help="Updates per draw (1).")]
Start = Annotated[
    str | None,
    typer.Option("--start", metavar="hot|cold|ENS", help="First field: hot (default), cold or an ensemble's last."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", parser=whole(0, 2**64 - 1), metavar="S", help="Seed; left out, drawn and stored."),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--dtype", parser=one_of("float64", "float32"), metavar="float64|float32", help="Type of the field (float64)."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", parser=whole(1, 10**5), metavar="N", help="Threads (all cores); each owns whole chains."),
]
Device = Annotated[
    str | None, typer.Option("--device", parser=one_of("cpu", "cuda"), metavar="cpu|cuda", help="Where to compute.")
]
Processor = Annotated[  # of Monte Carlo; cuda is understood, and refused by the run
    str | None, typer.Option("--device", parser=one_of("cpu", "cuda"), metavar="cpu", help="Where to compute.")
]
TimeLimit = Annotated[
    str | None,
    typer.Option("--time-limit", metavar="3h|auto", help="Commit and stop in time; auto asks the batch system."),
]
ChainRange = Annotated[
    str | None, typer.Option("--chain-range", metavar="a:b", help="Run chains a … b-1 only (array jobs).")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an ensemble, which must exist.")]
Extend = Annotated[
    int | None, typer.Option("--extend", parser=whole(1), metavar="N", help="N more draws if finished; else finish.")
]
Force = Annotated[bool, typer.Option("--force", help="Erase the ensemble that is there and start anew.")]
