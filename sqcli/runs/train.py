"""Train: make a model, or go on with its training, until all epochs are done.

A model that is finished is left alone. Under `torchrun` every process calls this; the first one writes.
"""

import contextlib
import math
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqcli.diffusion.models.design import Design
from sqcli.diffusion.models.files import (
    LOCK,
    METRICS,
    STATE,
    TRAINING,
    WEIGHTS,
    is_model,
    is_partial,
    owned,
    read_document,
    write_document,
)
from sqcli.diffusion.models.model import Model, couplings_of
from sqcli.diffusion.training.distributed import Ranks, process_group, threads_for
from sqcli.diffusion.training.job import TrainingJob, TrainingProgress
from sqcli.diffusion.training.trainer import Trainer
from sqcli.diffusion.training.trial import try_out
from sqcli.errors import BusyError, SqcliError, Stopped, UsageError
from sqcli.runs.execution import memory
from sqcli.runs.execution.provenance import creation
from sqcli.runs.execution.resume import stoppable
from sqcli.runs.training.agreement import (
    new_document,
    open_origins,
    require_agreement,
    require_description,
    settings_of,
)
from sqcli.runs.training.data import DrawSource
from sqcli.runs.training.request import TrainRequest
from sqcli.runs.training.soundness import require_sound

__all__ = ["TrainRequest", "TrainingProgress", "train"]

SITE_BYTES = 1500  # of a network and its gradient, for each site of a batch, at least


def train(request: TrainRequest, stop: threading.Event, progress: Callable[[TrainingProgress], None]) -> None:
    """Carry out `request`.

    Args:
        request: the options.
        stop: set it (a signal, another thread) to write a checkpoint and end early.
        progress: called a few times a second, on the first rank only.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: the model there is another one, an ensemble cannot be read, the loss is not finite, ….
        Stopped: ended early by `stop` or the time limit; run again to go on.
    """
    with process_group(request.device) as ranks, contextlib.ExitStack() as held:
        if ranks.rank == 0:
            _prepare(request, ranks, stop, held)
        ranks.barrier()
        document = read_document(request.path)
        require_description(request.path, document)
        require_agreement(request, document, ranks.size)
        if document.get("finished") is not True:
            _go_on(request, document, ranks, stop, progress if ranks.rank == 0 else lambda _: None)


def _prepare(request: TrainRequest, ranks: Ranks, stop: threading.Event, held: contextlib.ExitStack) -> None:
    """Make a new model's directory, once its data are known to be sound; own what is to be trained while `held`."""
    path, there = request.path, is_model(request.path)
    if not there:
        _require_free(path)
    elif request.force or read_document(path).get("finished") is not True:
        held.enter_context(owned(path))
    if there and not request.force:
        return
    if request.init is not None and request.init.resolve() == path.resolve():
        raise UsageError(f"--init {request.init}: is the model that would be written; choose another --out")
    document = new_document(request, ranks.size, read_document(request.init) if request.init else None)
    _require_memory(request, document, ranks)
    job = _job(request, document)
    for ensemble, *sources in zip(request.ensembles, job.training, job.validation, strict=True):
        require_sound(ensemble, [source for source in sources if isinstance(source, DrawSource)], stop)
    with _threads(job, ranks):
        try_out(job, ranks.device)
    if not there:
        held.enter_context(owned(path))
        if is_model(path):
            raise BusyError(f"{path}: another process made it a moment ago; run again")
    for name in (STATE, METRICS):  # then the description: a model is never half the old one and half the new one
        (path / name).unlink(missing_ok=True)
    write_document(path, document | creation(request.command_line, ranks.device_name, document["parents"]))
    (path / WEIGHTS).unlink(missing_ok=True)


def _require_free(path: Path) -> None:
    """SqcliError where something is that is neither a model nor what the failed start of one left behind."""
    if path.is_symlink() and not path.exists():
        raise SqcliError(f"{path}: is a link to nothing; remove it or choose another path")
    if path.exists() and not (path.is_dir() and all(map(_is_debris, path.iterdir()))):
        raise SqcliError(f"{path}: there is something that is not a model; choose another path")


def _is_debris(entry: Path) -> bool:
    if entry.name == TRAINING and entry.is_dir() and not entry.is_symlink():
        return all(inner.name == LOCK or is_partial(inner) for inner in entry.iterdir())
    return is_partial(entry)


def _require_memory(request: TrainRequest, document: Mapping[str, Any], ranks: Ranks) -> None:
    """SqcliError when a batch cannot fit; an accelerator's memory is its own."""
    if str(ranks.device) != "cpu":
        return
    batch = settings_of(document).batch_size
    parents = [parent for parent in document["parents"] if "ensemble" in parent]
    sites = [min(batch, p["chains"] * p["draws"]) // ranks.size * math.prod(p["lattice"]) for p in parents]
    memory.require(request.path, max(sites) * SITE_BYTES, "take a smaller --batch-size or a larger machine")


def _go_on(
    request: TrainRequest,
    document: Mapping[str, Any],
    ranks: Ranks,
    stop: threading.Event,
    progress: Callable[[TrainingProgress], None],
) -> None:
    if ranks.rank == 0:
        _require_memory(request, document, ranks)
    resume = os.path.lexists(request.path / STATE)
    ranks.barrier()
    job = _job(request, document)
    with _threads(job, ranks):
        trainer = Trainer(job, ranks, request.compile, resume)
        with stoppable(request.time_limit, stop):
            done = trainer.run(stop, progress, request.checkpoint_every)
        record = trainer.checkpoint.record
        if not done:
            where = f"step {record.step} of {trainer.steps}"
            raise Stopped(f"{request.path}: stopped at {where}, which is written; run again to go on")
        net, ensembles = trainer.finish()
        if ranks.rank == 0:
            told = {"steps": record.step, "seconds": round(record.seconds, 3), "device": ranks.device_name}
            told |= {"compiled": request.compile}
            told |= {"best_epoch": record.best_epoch} if record.best_epoch else {}
            told |= {"last_epoch": record.rows[-1]} if record.rows else {}
            model = trainer.job
            provenance = {k: document[k] for k in creation((), "") if k in document}
            Model(
                model.design, net, ensembles, model.seed, model.identity, tuple(document["parents"]),
                document["training"] | told, provenance,
            ).save(request.path)  # fmt: skip


def _threads(job: TrainingJob, ranks: Ranks) -> contextlib.AbstractContextManager[None]:
    """As many of torch's threads as this process's share of a batch feeds."""
    return threads_for(job.settings.batch_size // ranks.size * max(source.lattice.volume for source in job.training))


def _job(request: TrainRequest, document: Mapping[str, Any]) -> TrainingJob:
    design = Design.from_document(document)
    settings = settings_of(document)
    origins = open_origins(request, [parent for parent in document["parents"] if "ensemble" in parent])
    theories = [origin.theory.value for origin in origins]
    sources = [
        origin.sources(settings.validation, couplings_of(theory, design.couplings))
        for origin, theory in zip(origins, theories, strict=True)
    ]
    return TrainingJob(
        path=request.path,
        identity=document["identity"],
        design=design,
        settings=settings,
        seed=document["seed"],
        theories=theories,
        training=[first for first, _ in sources],
        validation=[second for _, second in sources],
        initial=_initial(request, design),
    )


def _initial(request: TrainRequest, design: Design) -> Model | None:
    """The model whose weights are the first; UsageError when they do not fit."""
    if request.init is None:
        return None
    model = Model.load(request.init)
    wanted = {name: value.shape for name, value in design.build_net(0).state_dict().items()}
    if {name: value.shape for name, value in model.net.state_dict().items()} != wanted:
        raise UsageError(f"--init {request.init}: its network has other sizes than the one to be trained")
    return model
