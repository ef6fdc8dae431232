"""Request to `train`: its options as a dataclass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli import options
from sqcli.diffusion.models.settings import TrainingSettings
from sqcli.options import REQUIRED, Option, group, option
from sqcli.runs.execution.request import DEVICE, SEED, TIME_LIMIT

NET = "net"
DEFAULT_NETS = ("spectral", "plaquette", "lcnn")  # the first that can serve the theory is taken
DEFAULTS = {NET: DEFAULT_NETS[0], "schedule": "geometric", "objective": "target"}
OF_PAIRS = {NET: "mlp", "objective": "dsm"}  # defaults where the field is complex, and the drift no score


def _parameters_of(part: str) -> Option:
    """Make the option that holds the parameters of net, schedule or objective, which share one flag."""
    said = "Parameter of the net or another part."
    return Option(said, "NAME=VALUE", ("-a", "--parameter"), of=part)


@dataclass(frozen=True)
class TrainRequest:
    """The options of `train`; None means "as stored", or the default for a new model.

    Attributes:
        settings: options of `TrainingSettings` that were given.
    """

    path: Path = option("Model directory to write.", "MODEL", default=REQUIRED, flags=("--out",), role="path")
    ensembles: Sequence[Path] = option("Ensembles to train on.", "ENS", default=REQUIRED, argument=True, role="path")
    net: str | None = option(
        "Network, as `sqcli list nets` names it (spectral; of links plaquette or lcnn, of complex fields mlp).", "N"
    )
    net_parameters: Mapping[str, Any] = option(_parameters_of("net"), default={})
    schedule: str | None = option("Noise schedule, as `sqcli list schedules` names it (geometric).", "S")
    schedule_parameters: Mapping[str, Any] = option(_parameters_of("schedule"), default={})
    objective: str | None = option(
        "Objective, as `sqcli list objectives` names it (target; of complex fields dsm).", "O"
    )
    objective_parameters: Mapping[str, Any] = option(_parameters_of("objective"), default={})
    settings: Mapping[str, Any] = group(TrainingSettings)
    seed: int | None = option(SEED)
    skip: int | None = option("Leave out first N draws (0).", "N", least=0)
    max_draws: int | None = option("Most draws per chain.", "N", least=1)
    init: Path | None = option("Start from the weights of another model.", "MODEL", role="path")
    device: str | None = option(DEVICE)
    compile: bool = option("Use torch.compile; pays in long runs.", default=False, role="how")
    time_limit: float | None = option(TIME_LIMIT)
    checkpoint_every: float = option("Time between checkpoints.", "SECONDS", default=60.0, least=0, role="how")
    force: bool = option("Erase the model that is there and start anew.", default=False, role="how")
    command_line: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, path: Path, ensembles: Sequence[Path], *, parameters: Mapping[str, Any] | None = None, **given: Any
    ) -> "TrainRequest":
        """Make a request from options by name, those of the training among them.

        Args:
            path: the model directory to write.
            ensembles: the ensembles to train on.
            parameters: parameters of the net by plain name, of the others as `schedule.NAME`, `objective.NAME`.
            given: the other options.
        """
        parts = options.divided(cls, "net_parameters", parameters or {})
        return options.build(cls, {"path": path, "ensembles": ensembles, **parts, **given})

    def parameters_of(self, part: str) -> Mapping[str, Any]:
        """Return the parameters that are given for net, schedule or objective."""
        given: Mapping[str, Any] = getattr(self, f"{part}_parameters")
        return given
