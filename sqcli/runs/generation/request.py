"""Request to `generate`: its options as a dataclass."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqcli.options import option
from sqcli.runs.execution.request import LATTICE, PARAMETERS, EnsembleRequest


@dataclass(frozen=True)
class Request(EnsembleRequest):
    """The options of `generate`; None means "as stored", or the default for a new ensemble."""

    theory: str | None = option("Theory, as `sqcli list theories` names it.", "T", needed=True)
    lattice: tuple[int, ...] | None = option(replace(LATTICE, needed=True))
    parameters: Mapping[str, Any] = option(PARAMETERS, default={})
    algorithm: str | None = option("Algorithm, as `sqcli list algorithms` names it.", "A", needed=True)
    algorithm_parameters: Mapping[str, Any] = option(
        "Algorithm parameter; repeatable.",
        "NAME=VALUE",
        default={},
        flags=("-a", "--algorithm-parameter"),
        of="algorithm",
    )
    warmup: int | None = option("Updates discarded first (500).", "W", least=0)
    every: int | None = option("Updates per draw (1).", "E", least=1)
    start: str | None = option("First field: hot (default), cold or an ensemble's last.", "hot|cold|ENS")
    dtype: str | None = option("Type of the field (float64).", "float64|float32", choices=("float64", "float32"))
    device: str | None = option(
        "Where to compute.", "cpu", kw_only=True, choices=("cpu", "cuda"), role="how"
    )  # cuda is read, and refused by the run
