"""Job of a trainer: the design that `model.yaml` states, the ensembles as data, the first weights."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from sqcli.diffusion.models.design import Design
from sqcli.diffusion.models.model import Model, couplings_of
from sqcli.diffusion.training.distributed import Ranks, threads_for
from sqcli.diffusion.training.job import TrainingJob
from sqcli.errors import UsageError
from sqcli.runs.execution import memory
from sqcli.runs.training.agreement import open_origins, settings_of
from sqcli.runs.training.request import TrainRequest

SITE_BYTES = 1500  # least memory of a network and its gradient, for each site of a batch


def job_of(request: TrainRequest, document: Mapping[str, Any]) -> TrainingJob:
    """Gather all that a trainer needs: design, settings, opened ensembles and first weights.

    Args:
        request: the options of `train`, with the ensembles and the model to begin with.
        document: content of `model.yaml`.

    Raises:
        SqcliError: an ensemble or the initial model cannot be read.
        UsageError: the initial model does not fit.
    """
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
    """Load the model whose weights are the first; UsageError where they do not fit."""
    if request.init is None:
        return None
    model = Model.load(request.init)
    wanted = {name: value.shape for name, value in design.build_net(0).state_dict().items()}
    if {name: value.shape for name, value in model.net.state_dict().items()} != wanted:
        raise UsageError(f"--init {request.init}: its network has other sizes than the one to be trained")
    return model


def require_memory(request: TrainRequest, document: Mapping[str, Any], ranks: Ranks) -> None:
    """Raise SqcliError where a batch does not fit into memory; an accelerator's memory is its own."""
    if str(ranks.device) != "cpu":
        return
    batch = settings_of(document).batch_size
    parents = [parent for parent in document["parents"] if "ensemble" in parent]
    sites = [min(batch, p["chains"] * p["draws"]) // ranks.size * math.prod(p["lattice"]) for p in parents]
    memory.require(request.path, max(sites) * SITE_BYTES, "take a smaller --batch-size or a larger machine")


def threads_of(job: TrainingJob, ranks: Ranks) -> AbstractContextManager[None]:
    """Make a context in which torch has as many threads as this process's share of a batch feeds."""
    return threads_for(job.settings.batch_size // ranks.size * max(source.lattice.volume for source in job.training))
