"""Train a model, or go on with its training, until all epochs are done.

A model that is finished is left alone. Under `torchrun` every process calls this; the first one writes.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sqcli.diffusion.models.files import STATE, read_document
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.training.distributed import Ranks, process_group
from sqcli.diffusion.training.job import TrainingProgress
from sqcli.diffusion.training.trainer import Trainer
from sqcli.errors import Stopped
from sqcli.runs.execution.provenance import creation
from sqcli.runs.execution.resume import stoppable
from sqcli.runs.training.agreement import require_agreement, require_description
from sqcli.runs.training.job import job_of, require_memory, threads_of
from sqcli.runs.training.new_model import prepare
from sqcli.runs.training.request import TrainRequest

__all__ = ["TrainRequest", "TrainingProgress", "train"]

Report = Callable[[TrainingProgress], None]


def train(request: TrainRequest, stop: threading.Event, progress: Report) -> None:
    """Train the model that `request` asks for, or go on with it.

    Args:
        request: the options of `train`.
        stop: event, set by a signal or another thread to write a checkpoint and end early.
        progress: function that is called a few times a second, on the first rank only.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: the model there is another one, an ensemble cannot be read, the loss is not finite, ….
        Stopped: ended early by `stop` or the time limit; run again to go on.
    """
    with process_group(request.device) as ranks, contextlib.ExitStack() as held:
        if ranks.rank == 0:
            prepare(request, ranks, stop, held)
        ranks.barrier()
        document = read_document(request.path)
        require_description(request.path, document)
        require_agreement(request, document, ranks.size)
        if document.get("finished") is not True:
            _go_on(request, document, ranks, stop, progress if ranks.rank == 0 else lambda _: None)


def _go_on(
    request: TrainRequest, document: Mapping[str, Any], ranks: Ranks, stop: threading.Event, progress: Report
) -> None:
    """Train to the end and write the model, or write a checkpoint and raise Stopped when a stop is asked for."""
    if ranks.rank == 0:
        require_memory(request, document, ranks)
    resume = os.path.lexists(request.path / STATE)
    ranks.barrier()
    job = job_of(request, document)
    with threads_of(job, ranks):
        trainer = Trainer(job, ranks, request.compile, resume)
        with stoppable(request.time_limit, stop):
            done = trainer.run(stop, progress, request.checkpoint_every)
        if not done:
            where = f"step {trainer.checkpoint.record.step} of {trainer.steps}"
            raise Stopped(f"{request.path}: stopped at {where}, which is written; run again to go on")
        model = _trained(request, document, ranks, trainer)
        if ranks.rank == 0:
            model.save(request.path)


def _trained(request: TrainRequest, document: Mapping[str, Any], ranks: Ranks, trainer: Trainer) -> Model:
    """Make the model at the end of its training, with the record of it."""
    net, ensembles = trainer.finish()
    record, job = trainer.checkpoint.record, trainer.job
    told = {"steps": record.step, "seconds": round(record.seconds, 3), "device": ranks.device_name}
    told |= {"compiled": request.compile}
    told |= {"best_epoch": record.best_epoch} if record.best_epoch else {}
    told |= {"last_epoch": record.rows[-1]} if record.rows else {}
    return Model(
        design=job.design,
        net=net,
        ensembles=ensembles,
        seed=job.seed,
        identity=job.identity,
        parents=tuple(document["parents"]),
        training=document["training"] | told,
        provenance={key: document[key] for key in creation((), "") if key in document},
    )
