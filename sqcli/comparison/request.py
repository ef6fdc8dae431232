"""Request of a comparison: the options of `compare`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli.options import REQUIRED, option
from sqcli.runs.execution.request import DEVICE, LATTICE, PARAMETERS, SEED, WORKERS
from sqcli.runs.execution.workers import available_cores


@dataclass(frozen=True)
class CompareRequest:
    """Options of `compare`; with algorithms or methods the rows are those alone, else all that fit.

    Attributes:
        settings: parameters of the rows as ROW.NAME.
        parameters: of the theory, where they differ from the model's, as does `lattice`.
        configurations: independent ones that share the cost of training.
    """

    model: Path = option("Directory of the model.", "MODEL", default=REQUIRED, argument=True, role="path")
    algorithms: tuple[str, ...] = option("Only the rows named so; repeatable.", "A", default=(), flags=("--algorithm",))
    methods: tuple[str, ...] = option("Likewise for samplers; repeatable.", "M", default=(), flags=("--method",))
    settings: Mapping[str, Any] = option(
        "Parameter of a row, such as path.n_steps=10; repeatable.",
        "ROW.NAME=VALUE",
        default={},
        flags=("-a", "--row-parameter"),
    )
    parameters: Mapping[str, Any] = option(PARAMETERS, default={})
    lattice: tuple[int, ...] | None = option(LATTICE)
    seconds: float = option("Measuring per row.", "S", default=10.0, least=0, above=True)
    observable: str | None = option("The observable that counts.", "NAME", flags=("--obs",))
    configurations: int = option("Over which set-up is spread.", "N", default=10000, least=1)
    warmup: int = option("Updates of algorithms discarded.", "W", default=1000, least=1)
    seed: int | None = option(SEED)
    workers: int | None = option(WORKERS)
    device: str | None = option(DEVICE)
    out: Path | None = option("Keep the ensembles there.", "DIR", role="path")
    command_line: tuple[str, ...] = ()

    @property
    def threads(self) -> int:
        """Number of workers."""
        return self.workers or available_cores()
