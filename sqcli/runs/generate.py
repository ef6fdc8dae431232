"""Generate: make an ensemble, or go on with one, until every chain has its draws.

An ensemble that is finished is left alone: no byte changes and no lock is taken. Chains are independent, so array jobs
may each run a range of them; the result is the same as of one run.
"""

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqcli import store
from sqcli.errors import SqcliError, UsageError
from sqcli.runs.execution import memory
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.provenance import creation, placed
from sqcli.runs.execution.resume import check_range, drawn, groups_of, raised_target, require_all, standing, stoppable
from sqcli.runs.execution.workers import available_cores, run_all
from sqcli.runs.generation.agreement import new_spec, require_agreement
from sqcli.runs.generation.chain import require_start
from sqcli.runs.generation.chain_group import GroupRun, bytes_held
from sqcli.runs.generation.request import Request
from sqcli.runs.generation.spec import RunSpec

__all__ = ["Progress", "Request", "generate"]


def generate(request: Request, stop: threading.Event, progress: Callable[[Progress], None]) -> None:
    """Carry out `request`.

    Args:
        request: the options.
        stop: set it (a signal, another thread) to commit and end early.
        progress: called a few times a second.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: the ensemble there is another run's, the disk is full, another process owns a chain, ….
        Stopped: ended early by `stop` or the time limit; all is committed and can be continued.
    """
    if request.device == "cuda":
        raise SqcliError("generate runs on the CPU; take --device cpu or leave it out")
    ensemble, spec = _open_or_create(request)
    target = raised_target(request, ensemble)
    groups = groups_of(request, ensemble)
    unfinished = [group for group in groups if drawn(ensemble, group) < target]
    if unfinished:
        _run(request, ensemble, spec, target, unfinished, stop, progress)


def _open_or_create(request: Request) -> tuple[store.Ensemble, RunSpec]:
    if not store.is_ensemble(request.path) or request.force:
        if request.resume or (request.extend is not None and not request.force):
            raise SqcliError(f"{request.path}: no ensemble to go on with")
        spec = new_spec(request)
        with contextlib.suppress(store.ExistsError):  # another job of the array was faster
            _create(request, spec)
            return store.open_ensemble(request.path), spec
    ensemble = store.open_ensemble(request.path)
    try:
        spec = RunSpec.from_attributes(ensemble.attrs, ensemble.chains, ensemble.layout.dtype)
    except SqcliError as error:
        raise SqcliError(f"{request.path}: {error}") from None
    require_agreement(request, spec)
    return ensemble, spec


def _create(request: Request, spec: RunSpec) -> None:
    parents = [placed(spec.start.attribute(), request.path)] if spec.start.ensemble else []
    attributes = spec.attributes() | {
        "identity": spec.identity,
        "exactness": vars(spec.algorithm_instance.exactness()),
        **creation(request.command_line, "cpu", parents),
    }
    layout = spec.layout(int(request.draws or 0))
    check_range(request, layout)
    _require_memory(request, spec, layout, layout.groups)
    _require_other(request, spec)
    require_start(spec)
    store.create(request.path, layout, attributes, force=request.force)


def _require_other(request: Request, spec: RunSpec) -> None:
    """UsageError where the ensemble to start from is the one to be erased."""
    if spec.start.ensemble is not None and Path(spec.start.ensemble).resolve() == request.path.resolve():
        raise UsageError(f"--start {spec.start.ensemble}: is the ensemble that --force would erase")


def _workers(request: Request, groups: int) -> int:
    return min(request.workers or available_cores(), groups)


def _require_memory(request: Request, spec: RunSpec, layout: store.Layout, groups: int) -> None:
    """SqcliError when the run cannot fit, before anything is written."""
    workers = _workers(request, groups)
    advice = "take --workers 1" if workers > 1 else "take a smaller lattice or a larger machine"
    memory.require(request.path, bytes_held(spec, layout, workers), advice)


def _run(
    request: Request,
    ensemble: store.Ensemble,
    spec: RunSpec,
    target: int,
    groups: list[int],
    stop: threading.Event,
    progress: Callable[[Progress], None],
) -> None:
    _require_memory(request, spec, ensemble.layout, len(groups))
    board = Board(str(request.path), spec, target, standing(ensemble, groups))
    tasks = [partial(_run_group, ensemble, spec, group, target, board, stop) for group in groups]
    workers = _workers(request, len(tasks))
    with stoppable(request.time_limit, stop):
        run_all(tasks, workers, stop, board, lambda: progress(board.progress()))
    require_all(board.progress())


def _run_group(
    ensemble: store.Ensemble, spec: RunSpec, group: int, target: int, board: Board, stop: threading.Event
) -> None:
    with store.Writer(ensemble, group) as writer:
        GroupRun(spec, writer, group, target, board, stop)()
