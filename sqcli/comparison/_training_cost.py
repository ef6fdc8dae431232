"""Cost of a model before it can be sampled: training, and making the data that it was trained on.

Seconds of training stand in `model.yaml`. Seconds of the data are estimated: the algorithm of the ensemble runs for a
moment here, and its time per update is multiplied by the updates that lie behind the draws that were used.
"""

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli import parameters as params
from sqcli import store
from sqcli.comparison._timing import Entrant, timed
from sqcli.diffusion.models.files import read_document
from sqcli.errors import SqcliError, Stopped
from sqcli.runs.generate import generate
from sqcli.runs.generation.request import Request
from sqcli.runs.generation.spec import RunSpec

MOMENT = 1.0  # seconds
WARMUP = 200
UNIT = 16  # draws


@dataclass(frozen=True)
class Preparation:
    """Seconds of training and of making its data; `notes` say what could not be counted."""

    training: float = 0.0
    data: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Seconds of training and of making its data."""
        return self.training + self.data

    def __add__(self, other: "Preparation") -> "Preparation":
        notes = tuple(dict.fromkeys(self.notes + other.notes))
        return Preparation(self.training + other.training, self.data + other.data, notes)


def preparation(model: Path, workers: int, stop: threading.Event, seen: tuple[str, ...] = ()) -> Preparation:
    """Sum the preparation of the model at `model` and of those that it began from.

    Raises:
        SqcliError: no such model.
        Stopped: `stop` was set.
    """
    document = read_document(model)
    identity = str(document.get("identity"))
    if identity in seen:
        return Preparation()
    seconds = dict(document.get("training") or {}).get("seconds")
    found = Preparation(float(seconds)) if isinstance(seconds, (int, float)) else _missing(model, "training time")
    for parent in document.get("parents") or ():
        found += _parent(model, parent, workers, stop, (*seen, identity))
    return found


def _missing(path: Path, what: str) -> Preparation:
    return Preparation(notes=(f"{path} records no {what}; none is counted",))


def _parent(
    model: Path, parent: Mapping[str, Any], workers: int, stop: threading.Event, seen: tuple[str, ...]
) -> Preparation:
    """Preparation of an ensemble or model, which is sought where it was, and beside the model."""
    name = Path(str(parent.get("ensemble", parent.get("model"))))
    path = next((path for path in (name, model.parent / name) if path.exists()), name)
    try:
        if "ensemble" not in parent:
            return preparation(path, workers, stop, seen)
        return Preparation(data=_generation(path, parent, workers, stop))
    except Stopped:
        raise
    except SqcliError as error:
        return Preparation(notes=(f"the cost of {name} is not counted: {error}",))


def _generation(path: Path, parent: Mapping[str, Any], workers: int, stop: threading.Event) -> float:
    """Estimate the seconds of the draws of an ensemble that training used."""
    ensemble = store.open_ensemble(path)
    if str(ensemble.attrs.get("identity")) != parent.get("identity"):
        raise SqcliError(f"{path}: another ensemble is there now")
    spec = RunSpec.from_attributes(ensemble.attrs, ensemble.chains, ensemble.layout.dtype)
    updates = spec.chains * (spec.warmup + spec.every * (int(parent["skip"]) + int(parent["draws"])))
    chains = min(spec.chains, workers)
    with tempfile.TemporaryDirectory(prefix="sqcli-compare-", ignore_cleanup_errors=True) as folder:
        entrant = Entrant(spec.algorithm, generate, _again(spec, chains, workers), chains, UNIT, 2**20, True)
        timing = timed(entrant, Path(folder, "data"), Path(folder, "aside"), MOMENT, stop)
    return updates / (timing.rate * spec.every)


def _again(spec: RunSpec, chains: int, workers: int) -> Request:
    """Request of the same run with a shorter warm-up."""
    return Request(
        path=Path(),
        theory=spec.theory,
        lattice=spec.lattice,
        parameters=params.to_mapping(spec.theory_instance),
        algorithm=spec.algorithm,
        algorithm_parameters=params.to_mapping(spec.algorithm_instance),
        chains=chains,
        warmup=min(spec.warmup, WARMUP),
        every=spec.every,
        seed=spec.seed,
        dtype=spec.dtype,
        workers=workers,
    )
