"""Request to `sample`: its options as a dataclass."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli.options import REQUIRED, option
from sqcli.runs.execution.request import LATTICE, PARAMETERS, EnsembleRequest


@dataclass(frozen=True)
class SampleRequest(EnsembleRequest):
    """The options of `sample`; None (or empty) means "as stored", or the default for a new ensemble.

    Attributes:
        method_parameters: parameters of the sampler by plain name, of an interleaved algorithm as `hmc.step_size`.
        parameters: parameters of the theory that differ from the model's.
        interleave: updates between proposals, "hmc:2".
        move: moves of partial noise between proposals: the rungs that each goes up.
    """

    model: Path = option("Directory of the model.", "MODEL", default=REQUIRED, argument=True, role="path")
    method: str | None = option("Sampler, as `sqcli list samplers` names it.", "M", needed=True)
    method_parameters: Mapping[str, Any] = option(
        "Sampler parameter; repeatable.", "NAME=VALUE", default={}, flags=("-a", "--method-parameter"), of="method"
    )
    parameters: Mapping[str, Any] = option(PARAMETERS, default={})
    lattice: tuple[int, ...] | None = option(LATTICE)
    accept: str | None = option(
        "Accept or reject draws as proposals of a Markov chain.",
        "none|independence",
        choices=("none", "independence"),
    )
    interleave: tuple[str, ...] = option(
        "N updates between proposals; parameters: -a hmc.n_steps=5.", "ALGORITHM:N", default=()
    )
    move: tuple[int, ...] = option(
        "Moves between proposals that noise the draw up N rungs of its path and come back.",
        "N[,N]",
        default=(),
        form="counts",
    )
    warmup: int | None = option("Proposals discarded first (64).", "W", least=0)
