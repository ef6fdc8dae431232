"""Imported ensemble: what its attributes say of it, and the SHA-256 of the data that its identity rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqcli import store
from sqcli.exactness import Exactness
from sqcli.runs.execution.provenance import storable_path
from sqcli.runs.execution.spec import IMPORTED, EnsembleSpec
from sqcli.runs.importing.files import LOG_WEIGHT, Part
from sqcli.runs.importing.numbering import gaps, numbers_of, streams_of

NO_RNG = "none"  # stands for the scheme of random numbers


@dataclass(frozen=True, kw_only=True)
class ImportSpec(EnsembleSpec):
    """Ensemble of another code's draws.

    Attributes:
        data_sha256: SHA-256 of the numbers as they are stored, chain after chain, little endian.
        lengths: draws of each chain.
        weighted: whether each draw has a log weight.
        reduced: angles that were brought into (−π, π].
    """

    data_sha256: str
    lengths: tuple[int, ...]
    weighted: bool = False
    reduced: int = 0
    seed: int = 0

    def stats(self) -> tuple[str, ...]:
        """Name the log weight, where there is one."""
        return (LOG_WEIGHT,) if self.weighted else ()

    def method_attributes(self) -> dict[str, Any]:
        """State that the draws are another code's, which drew on its own random numbers."""
        return {
            "algorithm": IMPORTED,
            "algorithm_parameters": {},
            "seed": None,
            "rng": NO_RNG,
            "start": IMPORTED,
            "data_sha256": self.data_sha256,
            "angles_reduced": self.reduced,
        }

    def layout(self, draws: int) -> store.Layout:
        """Lay out the ensemble's arrays; chains of different lengths do not share chunks."""
        layout = super().layout(draws)
        return layout if len(set(self.lengths)) == 1 else replace(layout, chain_group=1)


def exactness_of(stated: str | None) -> Exactness:
    """Say what imported draws are worth: what was stated, or that it is unknown."""
    if stated is None:
        return Exactness("unknown", "imported; how another code made the draws was not stated")
    return Exactness(stated, "as stated when the draws of another code were imported")  # type: ignore[arg-type]


def origin(parts: Sequence[Part], join: str) -> dict[str, Any]:
    """Describe the files, for the attribute `imported`: names, formats, numbers of draws, gaps in the numbering."""
    paths = [part.source.path for part in parts]
    groups = streams_of(paths, join)
    found = [numbers_of([paths[index] for index in group]) for group in groups]
    numbers = {i: n for group, some in zip(groups, found, strict=True) for i, n in zip(group, some or (), strict=False)}
    files = [
        {
            "file": storable_path(part.source.path),
            "format": part.source.format,
            "dataset": part.source.dataset,
            "chains": part.chains,
            "draws": part.draws,
        }
        | ({"number": numbers[index]} if index in numbers else {})
        for index, part in enumerate(parts)
    ]
    told: dict[str, Any] = {"files": files, "join": join}
    return told | {"gaps": [list(pair) for some in found if some for pair in gaps(some)]} if numbers else told
