"""Request to `import`: its options as a dataclass."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqcli.options import REQUIRED, option
from sqcli.runs.execution.request import LATTICE, PARAMETERS

JOINS = ("draws", "chains", "streams")
STATUSES = ("exact", "asymptotic", "weighted", "uncorrected")


@dataclass(frozen=True)
class ImportRequest:
    """The options of `import`; None means "as the files say"."""

    files: tuple[Path, ...] = option(
        "Files of configurations, in their order.", "FILE", default=REQUIRED, argument=True, role="path"
    )
    path: Path = option("Ensemble directory to write.", "ENS", default=REQUIRED, argument=True, role="path")
    theory: str = option("Theory, as `sqcli list theories` names it.", "T", default=REQUIRED)
    parameters: Mapping[str, Any] = option(PARAMETERS, default={})
    lattice: tuple[int, ...] | None = option(replace(LATTICE, help="Extents, where the shape leaves it open."))
    dataset: str | None = option("Array to read, where a file holds several (phi, theta, …).", "NAME")
    join: str = option(
        "Each further file: more draws, more chains, or by its stream.", "|".join(JOINS), default="draws", choices=JOINS
    )
    exactness: str | None = option("What the draws are worth (unknown).", "|".join(STATUSES), choices=STATUSES)
    force: bool = option("Erase the ensemble that is there.", default=False, role="how")
    command_line: tuple[str, ...] = ()
