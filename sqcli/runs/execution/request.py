"""Options of all runs that write an ensemble: how much of it, on what machine, until when."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from sqcli.options import REQUIRED, Option, option

LATTICE = Option("Extents; 1 in zero dimensions.", "32x32", form="extents")
PARAMETERS = Option("Theory parameter; repeatable.", "NAME=VALUE", ("-p", "--parameter"), of="theory")
SEED = Option("Seed; left out, drawn and stored.", "S", least=0, most=2**64 - 1)
WORKERS = Option("Threads (all cores); each owns whole chains.", "N", least=1, most=10**5, role="how")
DEVICE = Option("Where to compute.", "cpu|cuda", choices=("cpu", "cuda"))
TIME_LIMIT = Option("Commit and stop in time; auto asks the batch system.", "3h|auto", form="duration", role="how")


@dataclass(frozen=True)
class EnsembleRequest:
    """Options that `generate` and `sample` share; None means "as stored", or the default for a new ensemble."""

    path: Path = option(
        "Ensemble directory to write or to go on with.", "ENS", default=REQUIRED, argument=True, role="path"
    )
    _: KW_ONLY
    chains: int | None = option("Number of chains (1).", "C", least=1, most=10**7)
    draws: int | None = option("Draws per chain in all; more extends.", "N", least=1, needed=True)
    seed: int | None = option(SEED)
    workers: int | None = option(WORKERS)
    device: str | None = option(DEVICE)
    time_limit: float | None = option(TIME_LIMIT)
    chain_range: tuple[int, int] | None = option(
        "Run chains a … b-1 only (array jobs).", "a:b", form="range", role="how"
    )
    resume: bool = option("Go on with an ensemble, which must exist.", default=False, role="how")
    extend: int | None = option("N more draws if finished; else finish.", "N", least=1, role="how")
    force: bool = option("Erase the ensemble that is there and start anew.", default=False, role="how")
    command_line: tuple[str, ...] = ()
