"""Directory of a new model, made once its data and a first step of the training are known to be sound."""

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqcli.diffusion.models.files import (
    METRICS,
    STATE,
    WEIGHTS,
    is_model,
    owned,
    read_document,
    require_free,
    write_document,
)
from sqcli.diffusion.training.distributed import Ranks
from sqcli.diffusion.training.trial import try_out
from sqcli.errors import BusyError, UsageError
from sqcli.runs.execution.provenance import creation
from sqcli.runs.training.agreement import new_document
from sqcli.runs.training.data import DrawSource
from sqcli.runs.training.job import job_of, require_memory, threads_of
from sqcli.runs.training.request import TrainRequest
from sqcli.runs.training.soundness import require_sound


def prepare(request: TrainRequest, ranks: Ranks, stop: threading.Event, held: ExitStack) -> None:
    """Make a new model's directory, or leave the one that is there; own what is to be trained while `held`.

    Raises:
        UsageError: options that do not fit together.
        SqcliError: the data cannot be trained on, or the path is taken.
        BusyError: another process trains the model.
        Stopped: `stop` was set.
    """
    path, there = request.path, is_model(request.path)
    if not there:
        require_free(path)
    elif request.force or read_document(path).get("finished") is not True:
        held.enter_context(owned(path))
    if there and not request.force:
        return
    document = _tried(request, ranks, stop)
    if not there:
        held.enter_context(owned(path))
        if is_model(path):
            raise BusyError(f"{path}: another process made it a moment ago; run again")
    _write(path, document | creation(request.command_line, ranks.device_name, document["parents"]))


def _tried(request: TrainRequest, ranks: Ranks, stop: threading.Event) -> dict[str, Any]:
    """Read all data and try a first step; return the content of `model.yaml` for the training.

    Raises:
        UsageError: the initial model is the one that would be written, or options do not fit together.
        SqcliError: the data or the memory do not allow the training.
    """
    if request.init is not None and request.init.resolve() == request.path.resolve():
        raise UsageError(f"--init {request.init}: is the model that would be written; choose another --out")
    document = new_document(request, ranks.size, read_document(request.init) if request.init else None)
    require_memory(request, document, ranks)
    job = job_of(request, document)
    for ensemble, *sources in zip(request.ensembles, job.training, job.validation, strict=True):
        require_sound(ensemble, [source for source in sources if isinstance(source, DrawSource)], stop)
    with threads_of(job, ranks):
        try_out(job, ranks.device)
    return document


def _write(path: Path, document: dict[str, Any]) -> None:
    for name in (STATE, METRICS):  # before the description: a model is never half the old one and half the new one
        (path / name).unlink(missing_ok=True)
    write_document(path, document)
    (path / WEIGHTS).unlink(missing_ok=True)
