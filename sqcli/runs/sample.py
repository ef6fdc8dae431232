"""Sample: an ensemble from a trained model, or more draws of one that is there.

Draws are made in tiles of fixed size whose random numbers are keyed by (run, chain, draw), so that workers, ranks,
chain ranges, interruptions and extensions change no digit. Under torchrun each rank makes every WORLD_SIZE-th group.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

from sqcli import store
from sqcli.diffusion.device import require_device, torch_threads
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.errors import SqcliError, UsageError
from sqcli.runs.execution import memory
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.provenance import creation, placed
from sqcli.runs.execution.resume import (
    chains_of,
    check_range,
    drawn,
    groups_of,
    raised_target,
    rank,
    require_all,
    standing,
    stoppable,
)
from sqcli.runs.execution.workers import available_cores, run_all
from sqcli.runs.sampling.agreement import new_spec, require_agreement
from sqcli.runs.sampling.chain_group import GroupSampling
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.sampling.spec import SampleSpec
from sqcli.runs.sampling.tiles import Proposals

Loader = Callable[[str], Model]  # by device

__all__ = ["Progress", "SampleRequest", "sample"]

ON_DEVICE = 4  # workers that feed one accelerator
SITE_BYTES = 500  # of a network at work, for each site of a tile, at least


def sample(request: SampleRequest, stop: threading.Event, progress: Callable[[Progress], None]) -> None:
    """Carry out `request`.

    Args:
        request: the options.
        stop: set it (a signal, another thread) to commit and end early.
        progress: called a few times a second.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: no such model, the ensemble there is another run's, the disk is full, ….
        Stopped: ended early by `stop` or the time limit; all is committed and can be continued.
    """
    if request.force and rank()[1] > 1:
        raise UsageError("--force under several ranks would erase what others have begun; remove the ensemble first")
    load: Loader = cache(partial(Model.load, request.model))  # weights are read and hashed once
    ensemble, spec = _open_or_create(request, load, stop)
    target = raised_target(request, ensemble)
    here, world = rank()
    groups = groups_of(request, ensemble)[here::world]
    unfinished = [group for group in groups if drawn(ensemble, group) < target]
    if unfinished:
        _run(request, load, ensemble, spec, target, unfinished, stop, progress)


def _open_or_create(request: SampleRequest, load: Loader, stop: threading.Event) -> tuple[store.Ensemble, SampleSpec]:
    if not store.is_ensemble(request.path) or request.force:
        if request.resume or (request.extend is not None and not request.force):
            raise SqcliError(f"{request.path}: no ensemble to go on with")
        spec = new_spec(request)
        with contextlib.suppress(store.ExistsError):  # another rank or job was faster
            _create(request, load, spec, stop)
            return store.open_ensemble(request.path), spec
    ensemble = store.open_ensemble(request.path)
    try:
        spec = SampleSpec.from_attributes(ensemble.attrs, ensemble.chains)
    except SqcliError as error:
        raise SqcliError(f"{request.path}: {error}") from None
    require_agreement(request, spec)
    return ensemble, spec


def _create(request: SampleRequest, load: Loader, spec: SampleSpec, stop: threading.Event) -> None:
    layout = spec.layout(int(request.draws or 0))
    check_range(request, layout)
    place = require_device(request.device)
    _require_memory(request, spec, place, layout.groups)
    with torch_threads(1):
        exactness = spec.exactness(_denoiser(load, spec, place, stop))
    parent = placed({"model": str(request.model), "identity": spec.model}, request.path)
    attributes = spec.attributes() | {
        "identity": spec.identity,
        "exactness": vars(exactness),
        **creation(request.command_line, place, [parent]),
    }
    store.create(request.path, layout, attributes, force=request.force)


def _denoiser(load: Loader, spec: SampleSpec, place: str, stop: threading.Event) -> Denoiser:
    """The model, heeding `stop`, for this theory and lattice; UsageError when it cannot be sampled so."""
    denoiser = load(place).denoiser(spec.theory_instance, spec.system.lattice, place)
    spec.sampler.check(denoiser)
    return replace(denoiser, stop=stop)


def _workers(request: SampleRequest, place: str, tasks: int) -> int:
    cores = available_cores()
    return min(request.workers or (min(cores, ON_DEVICE) if place == "cuda" else cores), tasks)


def _require_memory(request: SampleRequest, spec: SampleSpec, place: str, tasks: int) -> None:
    """SqcliError when a tile for each worker cannot fit; an accelerator's memory is its own."""
    if place == "cpu":
        workers, lattice = _workers(request, place, tasks), spec.system.lattice
        advice = "take --workers 1" if workers > 1 else "take a smaller lattice or a larger machine"
        memory.require(request.path, workers * spec.tile * lattice.volume * SITE_BYTES, advice)


def _run(
    request: SampleRequest,
    load: Loader,
    ensemble: store.Ensemble,
    spec: SampleSpec,
    target: int,
    numbers: list[int],
    stop: threading.Event,
    progress: Callable[[Progress], None],
) -> None:
    place = require_device(request.device)
    _require_memory(request, spec, place, len(numbers))
    source = Proposals(_denoiser(load, spec, place, stop), spec.sampler, spec.streams.key(), spec.tile)
    board = Board(str(request.path), spec, target, standing(ensemble, numbers))
    groups = [GroupSampling(spec, source, ensemble, number, target, board, stop) for number in numbers]
    tasks = [task for group in groups for task in _tasks(spec, ensemble, group)]
    workers = _workers(request, place, len(tasks))
    with stoppable(request.time_limit, stop), torch_threads(1), contextlib.ExitStack() as stack:
        for group in groups:
            stack.callback(group.close)
        run_all(tasks, workers, stop, board, lambda: progress(board.progress()))
    progress(board.progress())
    require_all(board.progress())


def _tasks(spec: SampleSpec, ensemble: store.Ensemble, group: GroupSampling) -> list[Callable[[], None]]:
    """A task a tile; one for all where the chains cannot go on before a tile is used."""
    tiles = group.tiles(chains_of(ensemble, group.number))
    if spec.moves:
        return [partial(group.work_all, tiles)]
    return [partial(group.work, number) for number in tiles]
