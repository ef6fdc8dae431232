"""The command lines that do by hand what the steps of a recipe do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqcli.runs.generate import Request

if TYPE_CHECKING:
    from sqcli.runs.sample import SampleRequest
    from sqcli.runs.train import TrainRequest

GENERATE = ("theory", "lattice", "algorithm", "chains", "draws", "warmup", "every", "start", "seed", "dtype")
TRAIN = (
    "net", "schedule", "objective", "epochs", "batch_size", "learning_rate", "ema", "validation", "patience", "clip",
    "augment", "precision", "seed", "skip", "max_draws", "init", "device",
)  # fmt: skip
SAMPLE = ("method", "lattice", "chains", "draws", "accept", "interleave", "warmup", "seed", "device")


def generating(request: Request) -> tuple[str, ...]:
    """`sqcli generate …`."""
    head = ("sqcli", "generate", str(request.path), *_options(request, GENERATE))
    return (*head, *_pairs("-p", request.parameters), *_pairs("-a", request.algorithm_parameters))


def training(request: "TrainRequest") -> tuple[str, ...]:
    """`sqcli train …`."""
    head = ("sqcli", "train", *map(str, request.ensembles), "--out", str(request.path))
    return (*head, *_options(request, TRAIN), *_pairs("-a", request.parameters))


def sampling(request: "SampleRequest") -> tuple[str, ...]:
    """`sqcli sample …`."""
    head = ("sqcli", "sample", str(request.model), str(request.path), *_options(request, SAMPLE))
    return (*head, *_pairs("-p", request.parameters), *_pairs("-a", request.method_parameters))


def _options(request: Any, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value, option = getattr(request, name), f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            yield option if value else f"--no-{name}"
        elif name == "lattice" and value is not None:
            yield from (option, "x".join(map(str, value)))
        elif isinstance(value, tuple):
            yield from (word for each in value for word in (option, str(each)))
        elif value is not None:
            yield from (option, str(value))


def _pairs(option: str, values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield from (option, f"{name}={str(value).lower() if isinstance(value, bool) else value}")
